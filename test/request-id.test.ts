import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bearer, createTokenIssuer, trusting } from "./support/auth/tokens.ts";
import { converse } from "./support/network/raw-connection.ts";
import { serveApp } from "./support/service/served-app.ts";
import { startTestService, type TestService } from "./support/service/service.ts";
import { createStage } from "./support/service/stage.ts";
import { callWay, ways } from "./support/wire/get-concert.ts";
import { sendRaw, type WireRequest } from "./support/wire/send.ts";

const uuid = /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/;
const json = { "content-type": "application/json" };

const grpcOverHttp2 = { httpVersion: 2, body: "", headers: { "content-type": "application/grpc" } } as const;

let service: TestService;
let port: number;
let concertId: bigint;

beforeAll(async () => {
  service = await startTestService({}, undefined, "debug");
  port = Number(new URL(service.baseUrl).port);
  concertId = (await createStage(service.baseUrl).concert()).id;
});
afterAll(() => service.close());

/** The lines of the log with a request's id. */
function linesOf(id: string): Record<string, unknown>[] {
  return service.lines.map((line) => JSON.parse(line)).filter(({ request_id }) => request_id === id);
}

describe.each(ways)("$protocol over HTTP/$httpVersion, $codec $contentType", (way) => {
  it("returns the client's request id, and logs the call with it", async () => {
    const id = `way-${ways.indexOf(way)}/ok`;
    const { raw } = await callWay(way, port, concertId, { headers: { "x-request-id": id } });
    expect(raw.headers["x-request-id"]).toBe(id);
    expect(linesOf(id)).toMatchObject([{ method: "frontrow.v1.ConcertService/GetConcert", code: "OK" }]);
  });

  it("returns a new request id for an error whose request has none", async () => {
    const { raw, code } = await callWay(way, port, concertId + 1n);
    expect(code).toBeDefined();
    expect(raw.headers["x-request-id"]).toMatch(uuid);
  });
});

it("logs a refused call with its request id and its reason", async () => {
  const headers = { "x-request-id": "refused" };
  expect((await sendRaw(port, { path: "/api/v1/bookings/999999", headers })).status).toBe(404);
  expect(linesOf("refused")).toMatchObject([{ protocol: "rest", code: "NotFound", reason: "BOOKING_NOT_FOUND" }]);
});

it.each([
  ["a read by REST", { path: "/api/v1/concerts" }, 200],
  ["a path without a route", { path: "/nothing" }, 404],
  ["a path that is not percent-encoded", { path: "/%c0" }, 400],
  ["a method that a path does not take", { path: "/api/v1/concerts", method: "DELETE" }, 405],
  ["a call of an unknown type", { path: "/frontrow.v1.ConcertService/GetConcert", body: "x" }, 415],
  [
    "a gRPC call of an unknown method",
    { path: "/a.B/C", body: "", headers: { "content-type": "application/grpc" } },
    404,
  ],
  ["a preflight", { path: "/api/v1/concerts", method: "OPTIONS", headers: { origin: "https://a.example" } }, 204],
  ["a gRPC call of a path that is not percent-encoded", { ...grpcOverHttp2, path: "/%c0" }, 200],
  ["a gRPC call of an unknown method over HTTP/2", { ...grpcOverHttp2, path: "/a.B/C" }, 200],
  ["the health check", { path: "/readyz" }, 200],
  ["an expectation that the HTTP server refuses", { path: "/healthz", headers: { expect: "200-maybe" } }, 417],
] satisfies [string, WireRequest, number][])(
  "%s has the client's request id in its response",
  async (_, request, status) => {
    const headers = { ...("headers" in request && request.headers), "x-request-id": "abc.123" };
    const raw = await sendRaw(port, { ...request, headers });
    expect([raw.status, raw.headers["x-request-id"]]).toEqual([status, "abc.123"]);
  },
);

it.each([
  ["no request", "GET / HTTP/9.9\r\n\r\n", 400],
  ["headers that are too large", `GET / HTTP/1.1\r\nHost: a\r\nx: ${"x".repeat(100_000)}\r\n\r\n`, 431],
])("bytes that are %s have a new request id in their response", async (_, bytes, status) => {
  const response = await converse(port, bytes);
  expect(response).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(/^x-request-id: (.*)\r$/m.exec(response)?.[1]).toMatch(uuid);
});

it.each([
  ["128 visible ASCII characters", "~!".repeat(64), true],
  ["129 characters", "a".repeat(129), false],
  ["a blank", "a b", false],
  ["a letter that is not ASCII", "caf\u00e9", false],
  ["nothing", "", false],
  ["two values", ["a", "b"], false],
])("of %s the request id is the client's: %s", async (_, sent, isTaken) => {
  const raw = await sendRaw(port, { path: "/api/v1/concerts", headers: { "x-request-id": sent } });
  const id = raw.headers["x-request-id"];
  if (isTaken) expect(id).toBe(sent);
  else expect(id).toMatch(uuid);
});

const getConcert = "/frontrow.v1.ConcertService/GetConcert";
it.each([
  ["a body by Connect", { path: getConcert, body: "{", headers: json }, getConcert, "InvalidArgument"],
  ["a body by gRPC", { ...grpcOverHttp2, path: getConcert, body: "x" }, getConcert, "InvalidArgument"],
  ["a query by REST", { path: "/api/v1/concerts?page_size=x" }, "/api/*", "InvalidArgument"],
  ["a path", { path: "/nothing" }, "", "NotFound"],
] satisfies [string, WireRequest, string, string][])(
  "is logged for a request that is refused before it is a call, because of %s",
  async (what, request, route, code) => {
    const id = `no-call-${what.replaceAll(" ", "-")}`;
    await sendRaw(port, { ...request, headers: { ...("headers" in request && request.headers), "x-request-id": id } });
    expect(linesOf(id)).toMatchObject([{ level: "debug", msg: "a request was refused", route, code }]);
  },
);

it("is logged with a call that fails for an unforeseen reason", async () => {
  await using app = await serveApp({
    getConcert() {
      throw new Error("unforeseen");
    },
  });
  const request = { path: "/frontrow.v1.ConcertService/GetConcert", body: "{}" };
  await sendRaw(app.port, { ...request, headers: { ...json, "x-request-id": "r-1" } });
  expect(app.logged).toMatchObject([{ level: "error", request_id: "r-1", err: { message: "unforeseen" } }]);
});

it("is logged with the hash of the caller, and with nothing of the token", async () => {
  const issuer = await createTokenIssuer();
  await using guarded = await startTestService(trusting(issuer), service.database, "debug");
  const subject = "\u{1f39f}".repeat(255);
  const token = await issuer.sign({ sub: subject });
  const send = (headers: Record<string, string>) =>
    sendRaw(Number(new URL(guarded.baseUrl).port), { path: "/api/v1/concerts", headers });
  expect((await send({ ...bearer(token), "x-request-id": "r-1" })).status).toBe(200);
  expect((await send({ ...bearer(`${token}x`), "x-request-id": "r-2" })).status).toBe(401);
  const lines = guarded.lines.map((line) => JSON.parse(line)).filter(({ request_id }) => request_id);
  expect(lines).toMatchObject([
    { request_id: "r-1", caller: expect.stringMatching(/^[\da-f]{16}$/), code: "OK" },
    { request_id: "r-2", msg: "a token was refused" },
    { request_id: "r-2", code: "Unauthenticated", reason: "UNAUTHENTICATED" },
  ]);
  const text = guarded.lines.join("");
  for (const secret of [token, ...token.split("."), subject]) expect(text).not.toContain(secret);
});
