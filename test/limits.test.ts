/**
 * Each limit on sizes, times and connections that an operator can set, exceeded by every protocol that it applies to.
 *
 * Elsewhere: bodies, compressed or not (bad-input-bodies), the lengths of fields (bad-input-rules).
 */
import { once } from "node:events";
import { type ClientHttp2Session, connect, constants } from "node:http2";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { ConcertService } from "../gen/frontrow/v1/concert_service_pb.ts";
import { originOf } from "../src/rpc/call-context.ts";
import { flag, frame, frameType, goawayCode, grpcFields, headers, opening } from "./support/network/http2-frames.ts";
import { openRaw, type RawConnection } from "./support/network/raw-connection.ts";
import { callOnce } from "./support/protocols/call-once.ts";
import { protocols } from "./support/protocols/protocols.ts";
import { serveApp, servedConcert } from "./support/service/served-app.ts";
import { startTestService, type TestService } from "./support/service/service.ts";
import { envelope } from "./support/wire/envelopes.ts";
import { expectProblem } from "./support/wire/errors.ts";
import { type HttpAnswer, rpcPath, sendHttp } from "./support/wire/http.ts";

const createConcert = rpcPath("ConcertService.CreateConcert");
const listConcerts = rpcPath("ConcertService.ListConcerts");

/** A call by each protocol that HTTP/1.1 can carry, with a method that reads a body. */
const http1Calls = [
  ["REST", "/api/v1/concerts", "application/json"],
  ["Connect JSON", createConcert, "application/json"],
  ["Connect binary", createConcert, "application/proto"],
  ["gRPC-Web", createConcert, "application/grpc-web+proto"],
] as const;

const opened: RawConnection[] = [];
const sessions: ClientHttp2Session[] = [];
afterEach(() => {
  for (const { socket } of opened.splice(0)) socket.destroy();
  for (const session of sessions.splice(0)) session.destroy();
});

const portOf = (url: string) => Number(new URL(url).port);

function raw(url: string, ...bytes: (string | Uint8Array)[]): RawConnection {
  const connection = openRaw(portOf(url));
  opened.push(connection);
  for (const each of bytes) connection.socket.write(each);
  return connection;
}

function openSession(url: string): ClientHttp2Session {
  const session = connect(url);
  session.on("error", () => {});
  sessions.push(session);
  return session;
}

/** The only response on a connection before the server closed it. */
async function answerOn({ closed }: RawConnection): Promise<HttpAnswer> {
  const [head = "", text = "", ...more] = (await closed).split("\r\n\r\n");
  expect(more).toEqual([]);
  const [statusLine = "", ...lines] = head.split("\r\n");
  const pairs = lines.map((line) => line.split(": ", 2)).map(([name = "", value]) => [name.toLowerCase(), value]);
  return { status: Number(statusLine.split(" ")[1]), headers: Object.fromEntries(pairs), text };
}

async function stillServes({ baseUrl, grpcUrl }: TestService): Promise<void> {
  for (const [protocol, url] of [["REST", baseUrl] as const, ["gRPC", grpcUrl] as const]) {
    const { outcome } = await callOnce(protocol, url, ConcertService.method.listConcerts, {});
    expect(outcome.ok).toBe(true);
  }
}

describe("headers", () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startTestService({ APP_MAX_HEADER_BYTES: "8192" });
  });
  afterEach(() => stillServes(service));
  afterAll(() => service?.close());

  const padding = (bytes: number) => ({ "x-padding": "x".repeat(bytes) });

  test.each(http1Calls)("that are too large are refused: %s", async (_, path, type) => {
    const send = (bytes: number) =>
      sendHttp(service.baseUrl, { path, headers: { "content-type": type, ...padding(bytes) }, body: "{" });
    expectProblem(await send(9_000), 431, "HEADERS_TOO_LARGE");
    expect((await send(7_000)).status).not.toBe(431);
  });

  test.each([
    ["REST", "/api/v1/concerts?artist="],
    ["Connect GET", `${listConcerts}?connect=v1&encoding=json&message=`],
  ])("are too large by their URL: %s", async (_, path) => {
    const send = (bytes: number) => sendHttp(service.baseUrl, { path: path + "x".repeat(bytes) });
    expectProblem(await send(9_000), 431, "HEADERS_TOO_LARGE");
    expect((await send(7_000)).status).toBe(400);
  });

  test("that are too large are rejected for gRPC with RESOURCE_EXHAUSTED", async () => {
    const method = ConcertService.method.listConcerts;
    const call = (bytes: number) => callOnce("gRPC", service.grpcUrl, method, {}, { headers: padding(bytes) });
    expect((await call(9_000)).outcome).toMatchObject({ ok: false, code: "RESOURCE_EXHAUSTED" });
    expect((await call(7_000)).outcome).toMatchObject({ ok: true });
  });

  test("in endless pieces end the connection", async () => {
    const piece = frame(frameType.continuation, flag.none, 1, Buffer.alloc(1_000));
    const start = headers(1, grpcFields(listConcerts), flag.none);
    const connection = raw(service.grpcUrl, opening, start, ...new Array<Buffer>(20).fill(piece));
    expect(goawayCode(await connection.closed)).toBeGreaterThan(0);
  });
});

describe("streams at once on one connection", () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startTestService({ APP_MAX_CONCURRENT_STREAMS: "2" });
  });
  afterEach(() => stillServes(service));
  afterAll(() => service?.close());

  test.each([
    ["REST", { ":method": "POST", ":path": "/api/v1/concerts", "content-type": "application/json" }],
    ["Connect", { ":method": "POST", ":path": createConcert, "content-type": "application/json" }],
    ["gRPC-Web", { ":method": "POST", ":path": createConcert, "content-type": "application/grpc-web+proto" }],
    ["gRPC", grpcFields(createConcert)],
  ])("are refused beyond the limit, and may be retried: %s", async (_, fields) => {
    const all = { ...grpcFields(createConcert), ...fields };
    const connection = raw(service.grpcUrl, opening, ...[1, 3, 5].map((stream) => headers(stream, all)));
    const refusal = frame(frameType.reset, 0, 5, Buffer.of(0, 0, 0, constants.NGHTTP2_REFUSED_STREAM));
    await connection.waitFor(refusal.toString("latin1"));
    expect(goawayCode(connection.received())).toBeUndefined();
  });

  test("that HTTP/1.1 pipelines beyond the limit end the connection", async () => {
    const get = "GET /api/v1/concerts HTTP/1.1\r\nHost: test\r\n\r\n";
    expect(await raw(service.baseUrl, get.repeat(3)).closed).toBe("");
    const allowed = raw(service.baseUrl, get.repeat(2));
    await vi.waitFor(() => expect(allowed.received().match(/200 OK/g)).toHaveLength(2), 20_000);
  });

  test("wait in a client that respects the limit", async () => {
    const session = openSession(service.grpcUrl);
    await once(session, "remoteSettings");
    expect(session.remoteSettings.maxConcurrentStreams).toBe(2);
    const statuses = Array.from({ length: 20 }, async () => {
      const stream = session.request(grpcFields(listConcerts));
      stream.end(envelope(Buffer.of()));
      stream.resume();
      const [trailers] = await once(stream, "trailers");
      return trailers["grpc-status"];
    });
    expect(await Promise.all(statuses)).toEqual(new Array(20).fill("0"));
  });
});

describe("time", () => {
  let service: TestService;
  beforeAll(async () => {
    const settings = { APP_HEADERS_TIMEOUT: "300ms", APP_BODY_TIMEOUT: "600ms", APP_IDLE_TIMEOUT: "500ms" };
    service = await startTestService(settings);
  });
  afterEach(() => stillServes(service));
  afterAll(() => service?.close());

  /** Writes a piece again and again until the connection is gone. */
  async function drip({ socket, closed }: RawConnection, piece: string | Uint8Array): Promise<void> {
    let over = false;
    void closed.then(() => {
      over = true;
    });
    for (; !over; await Promise.race([sleep(20), closed])) if (socket.writable) socket.write(piece);
  }

  test("runs out for headers that drip, by every protocol over HTTP/1.1", async () => {
    const connections = http1Calls.map(([, path]) =>
      raw(service.baseUrl, `POST ${path} HTTP/1.1\r\nHost: test\r\nX-Slow: `),
    );
    await Promise.all(connections.map((connection) => drip(connection, "x")));
    for (const connection of connections) expectProblem(await answerOn(connection), 408, "REQUEST_TIMEOUT");
  });

  test("runs out for a body that drips, by every protocol over HTTP/1.1", async () => {
    const connections = http1Calls.map(([, path, type]) => {
      const head = [`POST ${path} HTTP/1.1`, "Host: test", `Content-Type: ${type}`, "Content-Length: 9999", "", ""];
      return raw(service.baseUrl, head.join("\r\n"), envelope(Buffer.of(), 0, 9_000));
    });
    await Promise.all(connections.map((connection) => drip(connection, " ")));
    for (const connection of connections) expectProblem(await answerOn(connection), 408, "REQUEST_TIMEOUT");
  });

  test("runs out for a body that drips by gRPC, and the connection stays open for other calls", async () => {
    const session = openSession(service.grpcUrl);
    const stream = session.request(grpcFields(createConcert));
    stream.on("error", () => {});
    stream.write(envelope(Buffer.of(), 0, 9_000));
    const timer = setInterval(() => stream.writable && stream.write(" "), 20);
    await once(stream, "close").finally(() => clearInterval(timer));
    expect(stream.rstCode).toBe(constants.NGHTTP2_CANCEL);
    const next = session.request(grpcFields(listConcerts));
    next.end(envelope(Buffer.of()));
    next.resume();
    expect((await once(next, "trailers"))[0]).toMatchObject({ "grpc-status": "0" });
  });

  test("runs out for a connection that idles after a call by REST or Connect", async () => {
    const connections = ["/api/v1/concerts", `${listConcerts}?connect=v1&encoding=json&message=%7B%7D`].map((path) =>
      raw(service.baseUrl, `GET ${path} HTTP/1.1\r\nHost: test\r\n\r\n`),
    );
    for (const { closed } of connections) expect(await closed).toMatch(/^HTTP\/1.1 200 OK\r\n/);
  });

  test("runs out for a gRPC connection that idles, even if it pings", async () => {
    const connection = raw(service.grpcUrl, opening);
    void drip(connection, frame(frameType.ping, flag.none, 0, Buffer.alloc(8)));
    expect(goawayCode(await connection.closed)).toBe(constants.NGHTTP2_NO_ERROR);
  });

  test("runs out for gRPC headers that never end", async () => {
    const connection = raw(service.grpcUrl, opening, headers(1, grpcFields(createConcert), flag.none));
    expect(goawayCode(await connection.closed)).toBe(constants.NGHTTP2_NO_ERROR);
  });

  test("runs out for a connection that sends too little to detect its protocol", async () => {
    const connections = ["", "P", "PRI * HTTP/2"].flatMap((text) => [
      raw(service.baseUrl, text),
      raw(service.grpcUrl, text),
    ]);
    for (const { closed } of connections) expect(await closed).toBe("");
  });
});

describe("connections", () => {
  const get = "GET /livez HTTP/1.1\r\nHost: test\r\n\r\n";
  let service: TestService;
  afterEach(() => service.close());

  /** Opens connections, one after the other, on both ports by turns; says of each whether it was served. */
  async function served(count: number): Promise<boolean[]> {
    const outcomes: boolean[] = [];
    for (let index = 0; index < count; index++) {
      const connection = raw(index % 2 === 0 ? service.baseUrl : service.grpcUrl, get);
      outcomes.push(
        await connection.waitFor("200 OK").then(
          () => true,
          () => false,
        ),
      );
    }
    return outcomes;
  }

  test.each([
    ["of one address", { APP_MAX_CONNECTIONS_PER_ADDRESS: "3" }],
    ["in all", { APP_MAX_CONNECTIONS: "3" }],
    ["in all, proxies' included", { APP_MAX_CONNECTIONS: "3", APP_TRUSTED_PROXIES: "127.0.0.0/8" }],
  ])("%s are limited, on both ports together", async (_, settings) => {
    service = await startTestService(settings);
    expect(await served(5)).toEqual([true, true, true, false, false]);
    opened[0]?.socket.destroy();
    await vi.waitFor(async () => expect(await served(1)).toEqual([true]), 20_000);
  });

  test("of trusted proxies are not limited by address", async () => {
    service = await startTestService({
      APP_MAX_CONNECTIONS_PER_ADDRESS: "3",
      APP_TRUSTED_PROXIES: "10.0.0.0/8,127.0.0.1",
    });
    expect(await served(5)).toEqual([true, true, true, true, true]);
  });
});

describe.each(protocols)("the address of a caller by %s", (protocol) => {
  test.each([
    ["no proxy", [], "198.51.100.9", "127.0.0.1"],
    ["the proxy", ["127.0.0.0/8"], "198.51.100.9", "198.51.100.9"],
    ["the proxy, behind another one", ["127.0.0.1", "10.0.0.0/8"], "198.51.100.9, 10.0.0.3", "198.51.100.9"],
    ["the proxy, to which the client lied", ["127.0.0.1"], "192.0.2.66, 198.51.100.9", "198.51.100.9"],
    ["the proxy, which adds ports", ["127.0.0.1", "10.0.0.0/8"], "203.0.113.7:1, 10.0.0.5:8443", "203.0.113.7"],
    ["the proxy, which adds ports to IPv6", ["127.0.0.1", "fd00::/8"], "[2001:db8::1]:1, [fd00::5]:2", "2001:db8::1"],
    ["the proxy, whose client sent no address", ["127.0.0.1", "10.0.0.0/8"], "unknown, 10.0.0.5:1", "10.0.0.5"],
    ["the proxy, which knows nothing", ["127.0.0.1"], "unknown", "127.0.0.1"],
  ])("where %s is trusted", async (_, trustedProxies, forwarded, expected) => {
    const app = await serveApp(
      { getConcert: (_request, { values }) => ({ ...servedConcert, name: originOf(values).address }) },
      { trustedProxies },
    );
    try {
      const options = { headers: { "x-forwarded-for": forwarded } };
      const { outcome } = await callOnce(protocol, app.baseUrl, ConcertService.method.getConcert, { id: 1n }, options);
      expect(outcome).toMatchObject({ ok: true, message: { name: expected } });
    } finally {
      await app.close();
    }
  });
});
