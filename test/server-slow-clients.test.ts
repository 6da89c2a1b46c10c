/**
 * Clients that announce a body and do not send it, or that do not read their response, and calls that stream both ways for
 * longer than a request may take.
 */
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { connect, constants } from "node:http2";
import { setImmediate } from "node:timers/promises";
import { afterEach, expect, test, vi } from "vitest";
import { type Listener, listen } from "../src/transport/listener/listen.ts";
import { frame, frameType, grpcFields, headers, opening } from "./support/network/http2-frames.ts";
import { openRaw } from "./support/network/raw-connection.ts";
import { listenOptions, serveApp } from "./support/service/served-app.ts";
import { rpcPath } from "./support/wire/http.ts";

/** More than the buffers between two sockets hold. */
const much = Buffer.alloc(32 * 1024 * 1024);
const times = { headersTimeoutMs: 50, bodyTimeoutMs: 300, lingerTimeoutMs: 50 };

let listener: Listener;
const clean: (() => void)[] = [];
afterEach(async () => {
  for (const each of clean.splice(0)) each();
  listener.destroy();
  await listener.close();
});

/** Answers with a long response, and returns the first one. */
async function answerMuch(): Promise<{ port: number; answer: Promise<ServerResponse> }> {
  const begun = Promise.withResolvers<ServerResponse>();
  listener = await listen({
    ...listenOptions(times),
    handler: (request, response) => {
      request.resume();
      response.end(much);
      begun.resolve(response);
    },
  });
  return { port: listener.port, answer: begun.promise };
}

const maximum = Buffer.of(0x7f, 0xff, 0xff, 0xff);
const endlessWindow = [
  frame(frameType.settings, 0, 0, Buffer.concat([Buffer.of(0, 4), maximum])),
  frame(frameType.windowUpdate, 0, 0, Buffer.of(0x7f, 0xff, 0, 0)),
];

test.each([
  ["HTTP/1.1", [Buffer.from("GET / HTTP/1.1\r\nHost: test\r\n\r\n")]],
  ["HTTP/1.1, pipelined", [Buffer.from("GET / HTTP/1.1\r\nHost: test\r\n\r\n".repeat(3))]],
  ["HTTP/2 with its window closed", [opening, headers(1, grpcFields("/"))]],
  ["HTTP/2 with its window open", [opening, ...endlessWindow, headers(1, grpcFields("/"))]],
])("a client that reads nothing is cut: %s", async (_, bytes) => {
  const { port, answer } = await answerMuch();
  const { socket } = openRaw(port);
  clean.push(() => socket.destroy());
  socket.pause();
  for (const each of bytes) socket.write(each);
  const response = await answer;
  if (!response.closed) await once(response, "close");
  expect(response.writableFinished).toBe(false);
});

test("a body that is announced takes no memory before it arrives", async () => {
  const app = await serveApp();
  listener = { port: app.port, close: app.close, destroy() {} };
  const fields = { ...grpcFields(rpcPath("ConcertService.CreateConcert")), "content-type": "application/json" };
  const announced = Array.from({ length: 100 }, (_, index) =>
    headers(2 * index + 1, { ...fields, "content-length": "60000" }),
  );
  const before = process.memoryUsage().arrayBuffers;
  for (let count = 0; count < 10; count++) {
    const { socket, waitFor } = openRaw(app.port);
    clean.push(() => socket.destroy());
    socket.write(Buffer.concat([opening, ...announced, frame(frameType.ping, 0, 0, Buffer.from("arrived?"))]));
    await waitFor("arrived?");
  }
  // So that the last of them have been begun to be read as well.
  for (let turn = 0; turn < 10; turn++) await setImmediate();
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20_000_000);
});

test("a client that reads slowly gets its response", async () => {
  const { port } = await answerMuch();
  const { socket, closed, received } = openRaw(port);
  clean.push(() => socket.destroy());
  socket.write("GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
  const timer = setInterval(() => (socket.isPaused() ? socket.resume() : socket.pause()), 50);
  await closed.finally(() => clearInterval(timer));
  expect(received().length).toBeGreaterThan(much.length);
});

test("a client of HTTP/2 that takes a large file slowly and steadily gets all of it", async () => {
  const app = await serveApp({}, { limits: times });
  listener = { port: app.port, close: app.close, destroy() {} };
  const session = connect(app.baseUrl, { settings: { initialWindowSize: 16 * 1024 } });
  clean.push(() => session.destroy());
  const stream = session.request({ ":path": "/docs/swagger-ui-bundle.js", "accept-encoding": "gzip" });
  const [answer] = await once(stream, "response");
  let received = 0;
  stream.on("data", (chunk: Buffer) => {
    received += chunk.length;
    // Paused for as long as each slice of the window makes the whole take several times the limit.
    stream.pause();
    setTimeout(() => stream.resume(), 40);
  });
  await once(stream, "close");
  expect(stream.rstCode).toBe(constants.NGHTTP2_NO_ERROR);
  expect(received).toBe(Number(answer["content-length"]));
});

test("a call that streams both ways stays open while it sends", async () => {
  listener = await listen({
    ...listenOptions(times),
    handler: (request, response) => {
      request.on("data", (chunk) => response.write(chunk));
      request.on("error", () => {});
    },
  });
  const session = connect(`http://127.0.0.1:${listener.port}`);
  clean.push(() => session.destroy());
  const stream = session.request({ ":method": "POST" });
  stream.on("error", () => {});
  let echoes = 0;
  stream.on("data", () => echoes++);
  const timer = setInterval(() => stream.write("again"), 20);
  // More than twice the time that a request may take.
  await vi.waitFor(() => expect(echoes).toBeGreaterThan(40), { timeout: 10_000 }).finally(() => clearInterval(timer));
  expect(stream.closed).toBe(false);
  await once(stream, "close");
  expect(stream.rstCode).toBe(constants.NGHTTP2_CANCEL);
});
