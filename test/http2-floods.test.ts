/**
 * Floods of HTTP/2 frames. No timeout ends these connections, and each watches the health meanwhile, so that none is idle:
 * whatever ends one is the defence against its flood. A ping comes last, so its answer tells that there was none.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { envelope, rpcPath } from "./support/bad-input.ts";
import { flag, frame, frameType, grpcFields, headers, opening, reset } from "./support/http2-frames.ts";
import { openRaw, type RawConnection } from "./support/raw-connection.ts";
import { type ServedApp, serveApp } from "./support/served-app.ts";

const listConcerts = grpcFields(rpcPath("ConcertService.ListConcerts"));
const neverMs = 60 * 60_000;
const maxConcurrentStreams = 50;

let app: ServedApp;
let connection: RawConnection;

beforeAll(async () => {
  const limits = { idleTimeoutMs: neverMs, bodyTimeoutMs: neverMs, headersTimeoutMs: neverMs, maxConcurrentStreams };
  app = await serveApp({ listConcerts: () => ({}) }, { limits });
});
afterEach(() => connection.socket.destroy());
afterAll(() => app?.close());

const watched = 1;
const first = 3;
const watch = Buffer.concat([
  headers(watched, grpcFields("/grpc.health.v1.Health/Watch")),
  frame(frameType.data, flag.endStream, watched, envelope(Buffer.of())),
]);
/** "Not serving", as the watcher is told it. */
const watchAnswer = envelope(Buffer.of(8, 2)).toString("latin1");
const ping = (flags: number, text = "the last") => frame(frameType.ping, flags, 0, Buffer.from(text));

/** What becomes of a connection on which so many pieces arrive. */
async function flood(count: number, piece: (stream: number) => Uint8Array): Promise<"ended" | "goes on"> {
  connection = openRaw(app.port);
  connection.socket.write(Buffer.concat([opening, watch]));
  await connection.waitFor(watchAnswer);
  const pieces = Array.from({ length: count }, (_, index) => piece(first + 2 * index));
  connection.socket.write(Buffer.concat([...pieces, ping(flag.none)]));
  const goesOn = connection.waitFor(ping(flag.ack).toString("latin1")).then(() => "goes on" as const);
  return Promise.race([connection.closed.then(() => "ended" as const), goesOn]).catch(() => "ended");
}

const begunAndReset = (stream: number) => Buffer.concat([headers(stream, listConcerts), reset(stream)]);
const dataAfterTheEnd = (stream: number) =>
  Buffer.concat([
    headers(stream, listConcerts, flag.endHeaders | flag.endStream),
    frame(frameType.data, flag.none, stream, Buffer.of(0)),
  ]);
const emptyData = (begun: number) => (stream: number) =>
  Buffer.concat([
    ...(stream === begun ? [headers(stream, listConcerts)] : []),
    frame(frameType.data, flag.none, begun),
  ]);

describe("more than an honest client sends", () => {
  // Node's own limit is a thousand of each.
  test.each<[string, number, (stream: number) => Uint8Array]>([
    ["streams that are reset as soon as they have begun", 800, begunAndReset],
    ["resets that the client provokes", 300, dataAfterTheEnd],
    ["empty data", 300, emptyData(first)],
  ])("ends the connection: %s", async (_, count, piece) => {
    expect(await flood(count, piece)).toBe("ended");
  });

  test("does not begin where a client gives up all its calls, and all of the next", async () => {
    expect(await flood(2 * maxConcurrentStreams - 1, begunAndReset)).toBe("goes on");
  });
});

describe("Node ends a connection for very many", () => {
  test.each<[string, () => Uint8Array]>([
    ["pings", () => ping(flag.none, "one more")],
    ["answers to pings", () => ping(flag.ack, "one more")],
    ["settings", () => frame(frameType.settings)],
    ["priorities", () => frame(frameType.priority, flag.none, watched, Buffer.of(0, 0, 0, 3, 1))],
    ["unknown frames", () => frame(0xbb)],
  ])("%s", async (_, piece) => {
    expect(await flood(40_000, piece)).toBe("ended");
  });
});
