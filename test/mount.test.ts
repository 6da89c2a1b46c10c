/** Calls that Connect answers: streams that end early, and responses that cannot be written. */
import { once } from "node:events";
import { connect, constants } from "node:http2";
import { setImmediate as nextTurn } from "node:timers/promises";
import { Code, type HandlerContext } from "@connectrpc/connect";
import Fastify, { type FastifyRequest } from "fastify";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Health } from "../gen/health/v1/health_pb.ts";
import { bindService } from "../src/rpc/service.ts";
import { cutEventually } from "../src/rpc/streams/open-stream.ts";
import { createLogger } from "../src/telemetry/log.ts";
import { registerConnect } from "../src/transport/connect/mount.ts";
import { listen } from "../src/transport/listener/listen.ts";
import { frame, frameType, grpcFields, headers, opening, reset } from "./support/network/http2-frames.ts";
import { openRaw } from "./support/network/raw-connection.ts";
import { listenOptions } from "./support/service/served-app.ts";
import { publishToLog } from "./support/service/transport-log.ts";
import { envelope } from "./support/wire/envelopes.ts";
import { sendGrpc } from "./support/wire/http.ts";

const checkPath = `/${Health.typeName}/Check`;
const watchPath = `/${Health.typeName}/Watch`;

/** What a test does with the context of a unary call. */
let check: (context: HandlerContext) => void;
/** What a test does with a request before the plugin reads it. */
let spoil: (request: FastifyRequest) => void;
/** The context of the endless stream. */
let watched: HandlerContext | undefined;
/** Resolves when the endless stream has ended. */
let ended: PromiseWithResolvers<void>;
let served: Awaited<ReturnType<typeof serve>>;
/** Libraries must not write to these. */
const consoles = () => [vi.spyOn(console, "error"), vi.spyOn(console, "warn"), vi.spyOn(process.stderr, "write")];
let output: ReturnType<typeof consoles>;

async function serve() {
  const logged: Record<string, unknown>[] = [];
  const logger = createLogger({ level: "debug", destination: { write: (line) => logged.push(JSON.parse(line)) } });
  const shutdown = new AbortController();
  const fastify = Fastify();
  fastify.addHook("preHandler", (request, _reply, done) => {
    spoil(request);
    done();
  });
  const health = bindService(Health, {
    check: (_, context) => {
      check(context);
      return { status: 1 };
    },
    list: () => ({}),
    async *watch(_, context) {
      watched = context;
      try {
        for (;;) yield { status: 1 };
      } finally {
        ended.resolve();
      }
    },
  });
  await registerConnect(fastify, {
    ...{ services: [health], interceptors: [], maxMessageBytes: 1_000, fastPath: false },
    ...{ publish: publishToLog(logger), shutdownSignal: shutdown.signal },
  });
  await fastify.ready();
  const listener = await listen({ ...listenOptions(), handler: fastify.routing });
  return {
    ...{ logged, shutdown, port: listener.port, baseUrl: `http://127.0.0.1:${listener.port}` },
    async close() {
      listener.destroy();
      await listener.close();
      await fastify.close();
    },
  };
}

beforeEach(async () => {
  check = () => {};
  spoil = () => {};
  ended = Promise.withResolvers();
  output = consoles();
  served = await serve();
});
afterEach(async () => {
  await served.close();
  for (const each of output) {
    expect(each).not.toHaveBeenCalled();
    each.mockRestore();
  }
});

const noteworthy = () => served.logged.filter(({ level }) => level === "warn" || level === "error");
const http1Request = (path: string, type: string, body: Uint8Array) =>
  Buffer.concat([
    Buffer.from(
      `POST ${path} HTTP/1.1\r\nHost: test\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n`,
    ),
    body,
  ]);

describe("a client that disconnects ends its stream, and no error is logged", () => {
  test("over HTTP/1.1", async () => {
    const { socket, waitFor } = openRaw(served.port);
    socket.write(http1Request(watchPath, "application/connect+json", envelope(Buffer.from("{}"))));
    await waitFor("SERVING");
    socket.pause();
    socket.resetAndDestroy();
    await ended.promise;
    expect(noteworthy()).toEqual([]);
  });

  test.each([constants.NGHTTP2_CANCEL, constants.NGHTTP2_NO_ERROR])("over HTTP/2, with the code %s", async (code) => {
    const session = connect(served.baseUrl, { settings: { initialWindowSize: 100 } });
    const fields = { ":method": "POST", ":path": watchPath, "content-type": "application/grpc", te: "trailers" };
    const stream = session.request(fields).on("error", () => {});
    stream.end(envelope(Buffer.of()));
    // The client takes no more than its window: a write waits, or will.
    await once(stream, "readable");
    stream.close(code);
    await ended.promise;
    session.destroy();
    expect(noteworthy()).toEqual([]);
  });

  test("over HTTP/2, and no timer is left", async () => {
    const session = connect(served.baseUrl);
    const fields = { ":method": "POST", ":path": watchPath, "content-type": "application/grpc", te: "trailers" };
    const stream = session.request(fields).on("error", () => {});
    stream.end(envelope(Buffer.of()));
    await once(stream, "readable");
    stream.close(constants.NGHTTP2_CANCEL);
    await ended.promise;
    await nextTurn();
    const wait = vi.spyOn(globalThis, "setTimeout");
    if (watched) cutEventually(watched.values);
    const waits = wait.mock.calls.length;
    wait.mockRestore();
    expect([watched?.signal.aborted, waits]).toEqual([true, 0]);
    session.destroy();
  });

  test("over HTTP/2, in the middle of the request of a unary call", async () => {
    const { socket, waitFor } = openRaw(served.port);
    socket.write(opening);
    const fields = { ...grpcFields(checkPath), "content-type": "application/json" };
    for (const [index, reason] of [constants.NGHTTP2_NO_ERROR, constants.NGHTTP2_CANCEL].entries()) {
      const stream = 2 * index + 1;
      socket.write(Buffer.concat([headers(stream, fields), frame(frameType.data, 0, stream, Buffer.from("{"))]));
      // Once this is answered, the other's request has been received.
      await sendGrpc(served.baseUrl, checkPath, envelope(Buffer.of()));
      socket.write(reset(stream, reason));
    }
    socket.write(frame(frameType.ping, 0, 0, Buffer.from("all sent")));
    await waitFor("all sent");
    await sendGrpc(served.baseUrl, checkPath, envelope(Buffer.of()));
    socket.destroy();
    expect(noteworthy()).toEqual([]);
  });

  test("over HTTP/2, with its connection", async () => {
    const session = connect(served.baseUrl, { settings: { initialWindowSize: 100 } }).on("error", () => {});
    const fields = { ":method": "POST", ":path": watchPath, "content-type": "application/grpc", te: "trailers" };
    const stream = session.request(fields).on("error", () => {});
    stream.end(envelope(Buffer.of()));
    await once(stream, "readable");
    session.destroy();
    await ended.promise;
    expect(noteworthy()).toEqual([]);
  });
});

describe("a response that cannot be written is logged and not completed", () => {
  const unwritten = [{ level: "warn", method: checkPath, msg: "a response could not be written" }];

  test("because of a header, over HTTP/1.1", async () => {
    check = ({ responseHeader }) => responseHeader.set("x-broken", "\u0001");
    const { socket, closed } = openRaw(served.port);
    socket.write(http1Request(checkPath, "application/json", Buffer.from("{}")));
    expect(await closed).toBe("");
    expect(noteworthy()).toMatchObject(unwritten);
  });

  test("if the plugin cannot read the request", async () => {
    spoil = ({ raw }) => {
      raw.headers.host = undefined;
    };
    const { socket, closed } = openRaw(served.port);
    socket.write(http1Request(checkPath, "application/json", Buffer.from("{}")));
    expect(await closed).toBe("");
    expect(noteworthy()).toMatchObject(unwritten);
    // The plugin's own words.
    expect(output[0]).toHaveBeenCalledOnce();
    for (const each of output) each.mockClear();
  });

  test("because of a gRPC trailer", async () => {
    check = ({ responseTrailer }) => responseTrailer.set("x-broken", "\u0001");
    await expect(sendGrpc(served.baseUrl, checkPath, envelope(Buffer.of()))).rejects.toThrow();
    expect(noteworthy()).toMatchObject(unwritten);
  });
});

test("a shutdown ends a stream, even one whose request is not complete", async () => {
  const session = connect(served.baseUrl);
  const fields = { ":method": "POST", ":path": watchPath, "content-type": "application/grpc", te: "trailers" };
  const stream = session.request(fields).on("error", () => {});
  const trailers = Promise.withResolvers<unknown>();
  stream.on("trailers", trailers.resolve).resume();
  stream.write(envelope(Buffer.of()));
  // Once this is answered, the other has been received.
  expect((await sendGrpc(served.baseUrl, checkPath, envelope(Buffer.of()))).headers["grpc-status"]).toBe("0");
  served.shutdown.abort(new Error("over"));
  expect(await trailers.promise).toMatchObject({ "grpc-status": String(Code.Internal) });
  session.destroy();
});
