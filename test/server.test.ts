import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { gzipSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import * as grpc from "@grpc/grpc-js";
import { afterEach, describe, expect, test } from "vitest";
import { ConcertService, CreateConcertRequestSchema } from "../gen/frontrow/v1/concert_service_pb.ts";
import { type ConcertHandlers, type ServedApp, serveApp } from "./support/service/served-app.ts";

const createConcertPath = "/frontrow.v1.ConcertService/CreateConcert";
const echo: ConcertHandlers = {
  getConcert: ({ id }) => ({ id }),
  createConcert: ({ name }) => ({ id: 1n, name }),
};

let app: ServedApp;
const clean: (() => void)[] = [];

async function serve(...args: Parameters<typeof serveApp>): Promise<void> {
  app = await serveApp(...args);
}

afterEach(async () => {
  for (const each of clean.splice(0)) each();
  await app.close();
});

/** A gate at which handlers wait. */
function createGate() {
  const arrived = Promise.withResolvers<void>();
  const opened = Promise.withResolvers<void>();
  return {
    arrived: arrived.promise,
    open: opened.resolve,
    pass: () => {
      arrived.resolve();
      return opened.promise;
    },
  };
}

/** Every protocol over every HTTP version that can carry it. */
const transports: [name: string, make: (baseUrl: string) => Transport][] = [
  ["Connect JSON over HTTP/1.1", (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "1.1" })],
  ["Connect JSON over HTTP/2", (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "2" })],
  [
    "Connect binary over HTTP/1.1",
    (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: true }),
  ],
  ["Connect GET", (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "1.1", useHttpGet: true })],
  ["gRPC", (baseUrl) => createGrpcTransport({ baseUrl })],
  ["gRPC-Web over HTTP/1.1", (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "1.1" })],
  ["gRPC-Web over HTTP/2", (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "2" })],
];

/** Calls with grpc-js, which is stricter about HTTP/2 than Connect's client. */
function callGrpcJs(port: number, path: string, message: Uint8Array): Promise<{ code: number; details: string }> {
  const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  clean.push(() => client.close());
  return new Promise((resolve) => {
    const [serialize, deserialize] = [(bytes: Buffer) => bytes, (bytes: Buffer) => bytes];
    client.makeUnaryRequest(path, serialize, deserialize, Buffer.from(message), (error) => {
      resolve(error ?? { code: 0, details: "" });
    });
  });
}

/** Sends a whole request over HTTP/1.1, its body included, even if the response comes before. */
function post(path: string, headers: Record<string, string>, body: string | Uint8Array) {
  return new Promise<{ status: number; headers: Record<string, unknown>; text: string }>((resolve, reject) => {
    const request = httpRequest(`${app.baseUrl}${path}`, { method: "POST", headers, agent: false });
    request.on("error", reject);
    request.on("response", async (response) => {
      let text = "";
      for await (const chunk of response) text += chunk;
      resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
    });
    request.end(body);
  });
}

const json = { "content-type": "application/json" };

describe.each(transports)("%s", (_, makeTransport) => {
  test("answers a call, an error, and a message that is too large", async () => {
    await serve({
      ...echo,
      getConcert: ({ id }) => {
        if (id === 404n) throw new ConnectError("there is no concert 404", Code.NotFound);
        return { id };
      },
    });
    const client = createClient(ConcertService, makeTransport(app.baseUrl));
    expect(await client.getConcert({ id: 7n })).toMatchObject({ id: 7n });
    await expect(client.getConcert({ id: 404n })).rejects.toMatchObject({
      ...{ code: Code.NotFound, rawMessage: "there is no concert 404" },
    });
    const large = client.createConcert({ name: "x".repeat(4 * 1024 * 1024) });
    await expect(large).rejects.toMatchObject({ code: Code.ResourceExhausted });
    expect(await client.createConcert({ name: "after" })).toMatchObject({ name: "after" });
  });

  test("finishes a call in flight while it drains", async () => {
    const gate = createGate();
    await serve({ getConcert: ({ id }) => gate.pass().then(() => ({ id })) });
    const answer = createClient(ConcertService, makeTransport(app.baseUrl)).getConcert({ id: 7n });
    await gate.arrived;
    const drained = app.drain();
    gate.open();
    expect(await answer).toMatchObject({ id: 7n });
    await drained;
  });
});

describe("too large a body", () => {
  const large = JSON.stringify({ name: "x".repeat(4 * 1024 * 1024) });

  test.each([
    ["REST", "/api/v1/concerts", json, 413],
    ["Connect", createConcertPath, json, 429],
  ])("is rejected for %s, with the whole response", async (_, path, headers, status) => {
    await serve(echo);
    expect((await post(path, headers, large)).status).toBe(status);
    expect((await post(path, { ...headers, expect: "100-continue" }, large)).status).toBe(status);
    // Without a length that gives it away.
    expect((await post(path, { ...headers, "transfer-encoding": "chunked" }, large)).status).toBe(status);
  });

  test("is rejected for grpc-js", async () => {
    await serve(echo);
    const message = toBinary(CreateConcertRequestSchema, create(CreateConcertRequestSchema, JSON.parse(large)));
    expect(await callGrpcJs(app.port, createConcertPath, message)).toMatchObject({ code: Code.ResourceExhausted });
  });

  test.each([
    ["REST", "/api/v1/concerts", 413],
    ["Connect", createConcertPath, 429],
  ])("is rejected for %s over HTTP/2, with the whole response before the stream is closed", async (_, path, status) => {
    await serve(echo);
    const session = connectHttp2(app.baseUrl);
    clean.push(() => session.destroy());
    const send = { ":method": "POST", ":path": path, ...json };
    const stream = session.request({ ...send, "content-length": large.length });
    stream.write(large.slice(0, 1_000));
    const [headers] = await once(stream, "response");
    expect(headers[":status"]).toBe(status);
    const closed = once(stream, "close");
    await once(stream.resume(), "end");
    await closed;
    expect(stream.rstCode).toBe(0);

    const other = session.request(send);
    other.end("{}");
    await once(other.resume(), "end");
  });

  test("is rejected when it is compressed", async () => {
    await serve(echo);
    const answer = await post(createConcertPath, { ...json, "content-encoding": "gzip" }, gzipSync(large));
    expect(answer).toMatchObject({ status: 429, text: expect.stringContaining("resource_exhausted") });
  });
});
