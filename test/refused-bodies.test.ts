/** The rest of a rejected request's body is read within a limit, and every client gets its response. */
import type { IncomingMessage } from "node:http";
import { connect } from "node:http2";
import { Code } from "@connectrpc/connect";
import { afterEach, expect, test } from "vitest";
import { createRefusedBodies, type RefusedBodiesOptions } from "../src/transport/listener/lingering-close.ts";
import {
  envelope,
  expectConnectError,
  expectGrpcError,
  expectProblem,
  jsonType,
  rpcPath,
  sendGrpc,
  sendHttp,
} from "./support/bad-input.ts";
import { openRaw, type RawConnection } from "./support/raw-connection.ts";
import { type ServedApp, serveApp } from "./support/served-app.ts";

const restPath = "/api/v1/concerts";
const rpc = rpcPath("ConcertService.CreateConcert");
const megabyte = Buffer.alloc(1_000_000, " ");
const nothing = { bytesPerSecond: 1 };

let app: ServedApp;
let opened: RawConnection[] = [];
/** The requests that were rejected before they had arrived whole. */
let refused: IncomingMessage[];

async function serve(options: RefusedBodiesOptions): Promise<void> {
  refused = [];
  opened = [];
  const { drop } = createRefusedBodies(options);
  const refusedBodies = {
    drop(request: IncomingMessage) {
      if (!request.complete) refused.push(request);
      drop(request);
    },
  };
  const handlers = { createConcert: ({ name }: { name: string }) => ({ name }) };
  app = await serveApp(handlers, { maxBodyBytes: 4_096, refusedBodies });
}

afterEach(async () => {
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

test("many bodies are read in turns within the limit, and afterwards their connections stay open", async () => {
  const [count, bytesPerSecond] = [20, 2 * 1024 * 1024];
  let nowMs = 0;
  await serve({ bytesPerSecond, now: () => nowMs });
  const lengths = ["Content-Length: 1000000", "Transfer-Encoding: chunked"];
  const bodies = [[megabyte], ["f4240\r\n", megabyte, "\r\n0\r\n\r\n"]] as const;
  const connections = Array.from({ length: count }, (_, index) => {
    const path = index % 4 < 2 ? restPath : rpc;
    return raw(head(path, lengths[index % 2] ?? ""), ...(bodies[index % 2] ?? []));
  });
  await Promise.all(connections.map(({ waitFor }) => waitFor("\r\n\r\n")));
  for (const { received } of connections) expect(received()).toMatch(/^HTTP\/1.1 4(13|29) /);
  await callOften();
  expect(refused).toHaveLength(count);
  const read = refused.reduce((sum, { socket }) => sum + socket.bytesRead, 0);
  // Besides the budget, what each connection has read before it is paused: a piece or two, and three at most.
  expect(read).toBeLessThanOrEqual(bytesPerSecond + count * 3 * 64 * 1024);

  const passing = setInterval(() => {
    nowMs += 1_000;
  }, 1);
  for (const { socket } of connections) socket.write("GET /livez HTTP/1.1\r\nHost: test\r\n\r\n");
  await Promise.all(connections.map(({ waitFor }) => waitFor("HTTP/1.1 200"))).finally(() => clearInterval(passing));
  for (const { received } of connections) expect(received().match(/HTTP\/1.1 \d/g)).toHaveLength(2);
});

test.each(["no budget left", "a budget"])("every protocol's client has its answer with %s", async (which) => {
  await serve(which === "a budget" ? {} : nothing);
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
  "a stream that is refused unread is within the budget: %s",
  async (header) => {
    await serve(nothing);
    const stream = "POST /grpc.health.v1.Health/Watch HTTP/1.1\r\nHost: test\r\nContent-Type: application/connect+json";
    const [length, body] = [8_000_000, Buffer.alloc(8_000_000, " ")];
    const { waitFor } = raw(`${stream}\r\n${header}\r\nContent-Length: ${length}\r\n\r\n`, body);
    await waitFor('"error"');
    await callOften();
    expect(refused).toHaveLength(1);
    expect(refused[0]?.socket.bytesRead).toBeLessThanOrEqual(3 * 64 * 1024);
  },
);

test.each([restPath, rpc])("a client that writes all before it reads has its answer from %s", async (path) => {
  await serve({});
  const { socket, waitFor } = raw();
  socket.pause();
  socket.write(head(path, "Content-Length: 3000000"));
  const body = Buffer.alloc(3_000_000, " ");
  await new Promise<void>((resolve, reject) => socket.write(body, (error) => (error ? reject(error) : resolve())));
  socket.resume();
  await waitFor("HTTP/1.1 4");
});

test("a rejected stream is closed after its response, and delays no other stream of its connection", async () => {
  await serve(nothing);
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

test("when too many bodies wait, the first one is cut", async () => {
  await serve({ ...nothing, maxWaiting: 1 });
  const refuse = async () => {
    const connection = raw(head(restPath, "Content-Length: 1000000"), megabyte);
    await connection.waitFor("HTTP/1.1 413");
    return connection;
  };
  const first = await refuse();
  await refuse();
  await first.closed;
});

test("a client that disconnects in the middle of its request gets no response", async () => {
  await serve({});
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
