/** A process that abuses a server while the bench measures another client. Bounded in connections and in rate. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { flag, frame, frameType, grpcFields, headers, opening, reset } from "../test/support/network/http2-frames.ts";
import type { Abuse, AbuseSpec } from "./abuses.ts";
import { serveQuestions } from "./questions.ts";

const periodMs = 50;
const path = "/frontrow.v1.BookingService/BookTickets";
const post = `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n`;
const bomb = gzipSync(Buffer.alloc(10_000_000));
const flood = Buffer.alloc(1_000_000, " ");
const resetsAtOnce = 100;
const streamsAtOnce = 250;

/** Three texts that match no concert, of words that most have: see `insertSearchedCatalogue`. Sixty a second. */
const costlySearch =
  "GET /api/v1/concerts?artist=artist%20the&venue=venue%20hall&name=night%20tour HTTP/1.1\r\nHost: localhost\r\n" +
  "Cache-Control: no-cache\r\n\r\n";

/** The connections that stay open, with what is written in each period, and those that are opened in each period. */
interface Plan {
  readonly held?: {
    readonly count: number;
    readonly begin: string | Uint8Array;
    readonly more: string;
    /** How many are opened in a period. Many at once overrun the server's queue of connections. */
    readonly atOnce?: number;
  };
  readonly fresh?: {
    readonly count: number;
    readonly bytes: readonly (string | Uint8Array)[];
    readonly vanish?: boolean;
    /** How the answer to a first one begins. An abuse that is refused would measure nothing. */
    readonly answer?: string;
  };
}

const plans: Readonly<Record<Abuse, Plan>> = {
  "slow headers": { held: { count: 200, begin: "GET / HTTP/1.1\r\nX-Slow: ", more: "x" } },
  "slow bodies": { held: { count: 200, begin: `${post}Content-Length: 60000\r\n\r\n`, more: " " } },
  "a thousand idle connections": { held: { count: 1_000, begin: "", more: "" } },
  "half requests": { fresh: { count: 10, bytes: [`${post}Content-Length: 50\r\n\r\n{`], vanish: true } },
  "rapid resets": { fresh: { count: 1, bytes: [opening, rapidResets()] } },
  "compressed bombs": {
    fresh: { count: 1, bytes: [`${post}Content-Encoding: gzip\r\nContent-Length: ${bomb.length}\r\n\r\n`, bomb] },
  },
  "oversized bodies": { fresh: { count: 2, bytes: [`${post}Content-Length: ${flood.length}\r\n\r\n`, flood] } },
  "costly searches": { fresh: { count: 3, bytes: [costlySearch], answer: "HTTP/1.1 200 " } },
  "oversized headers": { fresh: { count: 2, bytes: [`${post}X-Large: ${"x".repeat(40_000)}\r\n\r\n`] } },
  "reflection streams": { held: { count: 24, begin: reflectionStreams(), more: "", atOnce: 1 } },
};

function rapidResets(): Buffer {
  const pieces = Array.from({ length: resetsAtOnce }, (_, index) => {
    const stream = 2 * index + 1;
    return Buffer.concat([
      headers(stream, grpcFields(path)),
      frame(frameType.data, 0, stream, Buffer.alloc(5)),
      reset(stream),
    ]);
  });
  return Buffer.concat(pieces);
}

/** Streams that each request all files of the schema, on a connection that reads none of their responses. */
function reflectionStreams(): Buffer {
  const noWindow = frame(frameType.settings, flag.none, 0, Buffer.of(0, 4, 0, 0, 0, 0));
  const symbol = "frontrow.v1.BookingService";
  const message = Buffer.concat([Buffer.of(0x22, symbol.length), Buffer.from(symbol)]);
  const request = Buffer.concat([Buffer.of(0, 0, 0, 0, message.length), message]);
  const fields = grpcFields("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo");
  const streams = Array.from({ length: streamsAtOnce }, (_, index) => {
    const stream = 2 * index + 1;
    return Buffer.concat([headers(stream, fields), frame(frameType.data, flag.none, stream, request)]);
  });
  return Buffer.concat([opening, noWindow, ...streams]);
}

const sockets = new Set<Socket>();
let timer: NodeJS.Timeout | undefined;

function open(port: number): Socket {
  const socket = connect(port, "127.0.0.1");
  sockets.add(socket);
  socket.on("error", () => {});
  socket.once("close", () => sockets.delete(socket));
  socket.resume();
  return socket;
}

async function expectAnswer(port: number, bytes: readonly (string | Uint8Array)[], answer: string): Promise<void> {
  const socket = open(port);
  for (const each of bytes) socket.write(each);
  const [received] = await Promise.race([once(socket, "data"), once(socket, "close")]);
  socket.destroy();
  const line = String(received).split("\r\n", 1)[0] ?? "";
  if (!line.startsWith(answer)) throw new Error(`the abuse was answered with: ${line}`);
}

async function start({ abuse, port }: AbuseSpec): Promise<void> {
  const { held, fresh } = plans[abuse];
  if (fresh?.answer !== undefined) await expectAnswer(port, fresh.bytes, fresh.answer);
  timer = setInterval(() => {
    if (held) {
      for (const socket of sockets) if (held.more !== "") socket.write(held.more);
      const { atOnce = 50 } = held;
      for (let count = 0; count < atOnce && sockets.size < held.count; count++) open(port).write(held.begin);
    }
    for (let count = 0; count < (fresh?.count ?? 0); count++) {
      const socket = open(port);
      for (const bytes of fresh?.bytes ?? []) socket.write(bytes);
      if (fresh?.vanish) socket.once("connect", () => setImmediate(() => socket.resetAndDestroy()));
      else setTimeout(() => socket.destroy(), periodMs * 10);
    }
  }, periodMs);
}

function stop(): void {
  clearInterval(timer);
  for (const socket of sockets) socket.destroy();
}

serveQuestions<AbuseSpec | "stop">((question) => (question === "stop" ? stop() : start(question)), stop);
