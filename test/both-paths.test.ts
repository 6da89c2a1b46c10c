/** Requests that the fast path and Connect's pipeline answer alike. */
import { Code, ConnectError } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { converse } from "./support/network/raw-connection.ts";
import { type ConcertHandlers, type ServedApp, serveApp } from "./support/service/served-app.ts";
import { envelope } from "./support/wire/envelopes.ts";
import { rpcPath, sendGrpc } from "./support/wire/http.ts";
import { sendRaw } from "./support/wire/send.ts";

const path = rpcPath("ConcertService.GetConcert");
const get = `${path}?encoding=json&message=%7B%22id%22%3A%221%22%7D`;
const json = { "content-type": "application/json" };
const origin = "https://tickets.example.com";

describe.each([true, false])("with the fast path: %s", (fastPath) => {
  let app: ServedApp;
  let getConcert: ConcertHandlers["getConcert"];
  let url: string;

  beforeEach(async () => {
    getConcert = () => ({ id: 1n, name: "x".repeat(2_000) });
    const handlers: ConcertHandlers = {
      getConcert(request, context) {
        url = context.url;
        return getConcert?.(request, context) ?? {};
      },
    };
    app = await serveApp(handlers, { fastPath, corsOrigins: [origin], trustedProxies: ["127.0.0.1"] });
  });
  afterEach(() => app.close());

  test("a handler's URL has the Host, not X-Forwarded-Host", async () => {
    const headers = { ...json, host: "Frontrow.test:80", "x-forwarded-host": "b c" };
    const { status } = await sendRaw(app.port, { path, headers, body: "{}" });
    expect([status, url]).toEqual([200, `http://frontrow.test${path}`]);
  });

  test.each(["a/b", "a?x", "a#x", "u@b", "a b", "a\\b"])("the Host %s is refused", async (host) => {
    const { status } = await sendRaw(app.port, { path, headers: { ...json, host }, body: "{}" });
    expect(status).toBe(400);
  });

  test.each([`${path}#a`, `${get}#a`, `http://[${path}`, `http://u@[::1${path}`])(
    "the target %s is refused",
    async (target) => {
      const method = target.startsWith(get) ? "GET" : "POST";
      const head = `${method} ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n`;
      const answer = await converse(app.port, `${head}Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`);
      expect(answer).toMatch(/^HTTP\/1.1 400 .*application\/problem\+json/s);
    },
  );

  test("the response to a GET varies by encoding and by what hooks and the handler name", async () => {
    getConcert = (_, { responseHeader }) => {
      responseHeader.set("vary", "X-Own, origin");
      return { id: 1n, name: "x".repeat(2_000) };
    };
    const ask = (headers = {}) => sendRaw(app.port, { path: get, headers: { origin, ...headers } });
    const first = await ask({ "accept-encoding": "gzip" });
    expect(first.headers).toMatchObject({ "content-encoding": "gzip", vary: "origin, X-Own, Accept-Encoding" });
    if (!fastPath) return;
    const again = await ask({ "accept-encoding": "gzip", "if-none-match": first.headers.etag });
    expect([again.status, again.headers.vary]).toEqual([304, "origin, X-Own, Accept-Encoding"]);
  });

  test("a handler's Vary does not replace that of CORS in the response to a POST", async () => {
    getConcert = (_, { responseHeader }) => {
      responseHeader.set("vary", "X-Own");
      return {};
    };
    const { headers } = await sendRaw(app.port, { path, headers: { ...json, origin }, body: "{}" });
    expect(headers.vary).toBe("Origin, X-Own");
  });

  test("a response whose trailers cannot be sent is not completed, and is logged", async () => {
    getConcert = (_, { responseTrailer }) => {
      responseTrailer.set("x-broken", "\u0001");
      return {};
    };
    await expect(sendGrpc(app.baseUrl, path, envelope(Buffer.of()))).rejects.toThrow("NGHTTP2_INTERNAL_ERROR");
    expect(app.logged.filter(({ level }) => level !== "debug")).toMatchObject([
      { level: "warn", method: path, msg: "a response could not be written" },
    ]);
  });

  test("text with a lone surrogate is INVALID_ARGUMENT by gRPC, gRPC-Web and Connect", async () => {
    const body = Buffer.from('{"id":"\\ud800"}');
    const grpc = await sendGrpc(app.baseUrl, path, envelope(body), { "content-type": "application/grpc+json" });
    expect(grpc.headers["grpc-status"]).toBe("3");
    const headers = { "content-type": "application/grpc-web+json" };
    const web = await sendRaw(app.port, { path, headers, body: envelope(body) });
    expect(web.body.toString()).toMatch(/grpc-status: ?3\r\n/);
    expect((await sendRaw(app.port, { path, headers: json, body })).status).toBe(400);
    expect(app.logged.filter(({ level }) => level !== "debug")).toEqual([]);
  });
});

describe("the fast path logs", () => {
  test.each<[what: string, handler: NonNullable<ConcertHandlers["getConcert"]>, logged: number]>([
    ["an exception that no interceptor has seen", () => Promise.reject(new TypeError("insides")), 1],
    ["a response that cannot be serialized", () => ({ name: 5 as unknown as string }), 1],
    ["no error of the call", () => Promise.reject(new ConnectError("no", Code.NotFound)), 0],
  ])("%s", async (_, getConcert, logged) => {
    const app = await serveApp({ getConcert });
    await sendRaw(app.port, { path, headers: json, body: "{}" });
    await app.close();
    const entry = { level: "error", method: path, msg: "a call failed for an unforeseen reason" };
    const errors = app.logged.filter(({ level }) => level === "error");
    expect(errors).toMatchObject(Array.from({ length: logged }, () => entry));
  });
});
