/** The rest of a rejected request's body is read within a limit, and every client gets its response. */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { IncomingMessage } from "node:http";
import { connect } from "node:http2";
import { setTimeout } from "node:timers/promises";
import { Code } from "@connectrpc/connect";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openRaw, type RawConnection } from "./support/network/raw-connection.ts";
import { type ServedApp, serveApp } from "./support/service/served-app.ts";
import { envelope } from "./support/wire/envelopes.ts";
import { expectConnectError, expectGrpcError, expectProblem } from "./support/wire/errors.ts";
import { jsonType, rpcPath, sendGrpc, sendHttp } from "./support/wire/http.ts";

const restPath = "/api/v1/concerts";
const rpc = rpcPath("ConcertService.CreateConcert");
const megabyte = Buffer.alloc(1_000_000, " ");
/** What is read of a body at most, and what Node reads in advance. */
const maxReadBytes = 256 * 1024 + 3 * 64 * 1024;

let app: ServedApp;
let opened: RawConnection[] = [];
/** The requests of HTTP/1, as the server has them. */
let requests: IncomingMessage[];

const noteRequest = (message: unknown) => {
  const { request } = message as { request: IncomingMessage };
  if (request.method === "POST") requests.push(request);
};

beforeEach(async () => {
  opened = [];
  requests = [];
  subscribe("http.server.request.start", noteRequest);
  app = await serveApp({ createConcert: ({ name }) => ({ name }) }, { maxBodyBytes: 4_096 });
});
afterEach(async () => {
  unsubscribe("http.server.request.start", noteRequest);
  for (const { socket } of opened) socket.destroy();
  await app.close();
});

function raw(...bytes: (string | Uint8Array)[]): RawConnection {
  const connection = openRaw(app.port);
  opened.push(connection);
  for (const each of bytes) connection.socket.write(each);
  return connection;
}

const head = (path: string, length: string) =>
  `POST ${path} HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n${length}\r\n\r\n`;

/** Long enough for a server on loopback to read some megabytes. */
async function callOften(): Promise<void> {
  for (let call = 0; call < 100; call++) expect((await sendHttp(app.baseUrl, { path: "/livez" })).status).toBe(200);
}

test.each([restPath, rpc, "/nowhere", "/livez"])(
  "after a body of 200 kB that %s has not read, the connection goes on if the length was announced",
  async (path) => {
    const body = Buffer.alloc(200_000, " ");
    const { socket, waitFor, received } = raw(head(path, "Content-Length: 200000"), body);
    await waitFor("HTTP/1.1 4");
    socket.write("GET /livez HTTP/1.1\r\nHost: test\r\n\r\n");
    await waitFor("HTTP/1.1 200");
    expect(received().match(/HTTP\/1.1 \d/g)).toHaveLength(2);
    // Node adds it with the Keep-Alive hint, unless Fastify has set the header and it was removed.
    expect(received().match(/connection: keep-alive/gi)).toHaveLength(path === restPath ? 1 : 2);
    const chunked = raw(head(path, "Transfer-Encoding: chunked"), "30d40\r\n", body, "\r\n0\r\n\r\n");
    expect(await chunked.closed).toMatch(/^HTTP\/1.1 4.*connection: close/is);
  },
);

test("a client that sends its chunks slowly can send all of them before it reads the response", async () => {
  const { socket, waitFor, closed } = raw(head("/nowhere", "Transfer-Encoding: chunked"), "2\r\nab\r\n");
  await waitFor("HTTP/1.1 404");
  // Longer than a connection stays open after its body.
  await setTimeout(700);
  expect(socket.readyState).toBe("open");
  socket.write("2\r\ncd\r\n0\r\n\r\n");
  expect(await closed).toMatch(/^HTTP\/1.1 404/);
});

test.each([restPath, rpc, "/nowhere"])(
  "a client that goes on for 8 MB has its response from %s, and is cut off",
  async (path) => {
    const body = Buffer.alloc(8_000_000, " ");
    for (const length of ["Content-Length: 8000000", "Transfer-Encoding: chunked"]) {
      const { waitFor, closed } = raw(head(path, length), length.startsWith("T") ? "7a1200\r\n" : "", body);
      await waitFor("HTTP/1.1 4");
      expect(await closed).toMatch(/connection: close/i);
    }
    expect(requests).toHaveLength(2);
    for (const { socket } of requests) expect(socket.bytesRead).toBeLessThanOrEqual(maxReadBytes);
  },
);

test("no more is read of a body whose request the listener refuses", async () => {
  const { waitFor, closed } = raw("POST / HTTP/1.1\r\nContent-Length: 8000000\r\n\r\n", Buffer.alloc(8_000_000, " "));
  await waitFor("HTTP/1.1 400");
  await closed;
  expect(requests[0]?.socket.bytesRead).toBeLessThanOrEqual(maxReadBytes);
});

test("every protocol's client has its response", async () => {
  const post = (path: string, chunked: boolean) =>
    sendHttp(app.baseUrl, {
      path,
      headers: { ...jsonType, ...(chunked && { "transfer-encoding": "chunked" }) },
      body: megabyte,
    });
  for (const chunked of [false, true]) {
    expectProblem(await post(restPath, chunked), 413, "REQUEST_TOO_LARGE");
    expectConnectError(await post(rpc, chunked), 429, "resource_exhausted");
  }
  expectGrpcError(await sendGrpc(app.baseUrl, rpc, envelope(megabyte)), Code.ResourceExhausted);
  const fetched = await fetch(app.baseUrl + restPath, { method: "POST", headers: jsonType, body: megabyte });
  expect([fetched.status, (await fetched.json()).reason]).toEqual([413, "REQUEST_TOO_LARGE"]);
});

test.each(["Connect-Content-Encoding: br", "Connect-Protocol-Version: 9", "Connect-Timeout-Ms: soon"])(
  "no more is read of a stream that is refused unread: %s",
  async (header) => {
    const stream = "POST /grpc.health.v1.Health/Watch HTTP/1.1\r\nHost: test\r\nContent-Type: application/connect+json";
    const [length, body] = [8_000_000, Buffer.alloc(8_000_000, " ")];
    const { waitFor, closed } = raw(`${stream}\r\n${header}\r\nContent-Length: ${length}\r\n\r\n`, body);
    await waitFor('"error"');
    await closed;
    expect(requests).toHaveLength(1);
    expect(requests[0]?.socket.bytesRead).toBeLessThanOrEqual(maxReadBytes);
  },
);

test.each([restPath, rpc])("a client that writes a megabyte before it reads has its response from %s", async (path) => {
  const { socket, waitFor } = raw();
  socket.pause();
  socket.write(head(path, "Content-Length: 1000000"));
  await new Promise<void>((resolve, reject) => socket.write(megabyte, (error) => (error ? reject(error) : resolve())));
  socket.resume();
  await waitFor("HTTP/1.1 4");
});

test("the connection goes on after a long body that is read", async () => {
  await app.close();
  app = await serveApp({ createConcert: () => ({}) }, { maxBodyBytes: 1_000_000 });
  const body = JSON.stringify({ name: "x".repeat(500_000) });
  const chunked = [`${body.length.toString(16)}\r\n`, body, "\r\n0\r\n\r\n"];
  const bodies = [
    raw(head(rpc, `Content-Length: ${body.length}`), body),
    raw(head(rpc, "Transfer-Encoding: chunked"), ...chunked),
  ];
  for (const { socket, waitFor, received } of bodies) {
    await waitFor("HTTP/1.1 200");
    socket.write("GET /livez HTTP/1.1\r\nHost: test\r\n\r\n");
    await waitFor('"up"');
    expect(received()).not.toMatch(/connection: close/i);
  }
});

test("a rejected stream is closed after its response, and delays no other stream of its connection", async () => {
  const session = connect(app.baseUrl);
  const post = (path: string) => session.request({ ":method": "POST", ":path": path, ...jsonType });
  const answerTo = (stream: ReturnType<typeof post>) =>
    new Promise((resolve, reject) =>
      stream.once("response", ({ ":status": status }) => resolve(status)).on("error", reject),
    );
  try {
    // Together more than a connection's window, of which each takes its own.
    const streams = Array.from({ length: 5 }, () => post(restPath));
    const answers = streams.map(answerTo);
    for (const stream of streams) stream.write(megabyte);
    expect(await Promise.all(answers)).toEqual([413, 413, 413, 413, 413]);
    for (let call = 0; call < 50; call++) {
      const stream = post(rpc);
      stream.end(JSON.stringify({ name: "x".repeat(3_000) }));
      expect(await answerTo(stream.resume())).toBe(200);
    }
    expect(streams.map(({ closed, rstCode }) => [closed, rstCode])).toEqual(streams.map(() => [true, 0]));
  } finally {
    session.destroy();
  }
});

test("a client that disconnects in the middle of its request gets no response", async () => {
  for (const path of [rpc, restPath]) {
    for (const length of ["Content-Length: 50", "Transfer-Encoding: chunked"]) {
      const half = raw(head(path, length), "5\r\n");
      await new Promise((resolve) => half.socket.once("connect", resolve));
      await callOften();
      half.socket.resetAndDestroy();
    }
  }
  await callOften();
  expect(app.logged).toEqual([]);
});
