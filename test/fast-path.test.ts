/**
 * The fast path by each protocol, alone on a socket. A call that it leaves to the mount is answered with 599, so that no
 * test passes because the mount has answered.
 */
import { gzipSync } from "node:zlib";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type FastPathApp, notOwned, serveFastPath } from "./support/service/fast-path-app.ts";
import { type ConcertHandlers, type ServedApp, serveApp } from "./support/service/served-app.ts";
import { isEnveloped, type Way, way } from "./support/wire/calls.ts";
import { envelope } from "./support/wire/envelopes.ts";
import {
  callWay,
  isJson,
  readResponse,
  requestOf,
  responseTypeOf,
  timeoutOf,
  ways,
} from "./support/wire/get-concert.ts";
import { sendRaw } from "./support/wire/send.ts";

const [plainId, failingId, ownTypeId, longId] = [1n, 2n, 3n, 4n];
const path = "/frontrow.v1.ConcertService/GetConcert";
const longName = "x".repeat(5_000);
const handlers: ConcertHandlers = {
  getConcert({ id }, { responseHeader, responseTrailer, timeoutMs, requestHeader }) {
    responseHeader.append("set-cookie", "a=1; Path=/");
    responseHeader.append("set-cookie", "b=2");
    responseHeader.append("x-twice", "1");
    responseHeader.append("x-twice", "2");
    responseTrailer.set("x-cost", "7");
    responseTrailer.set("x-cost-bin", "AP8");
    if (id === failingId) {
      throw new ConnectError("no, über 100 %", Code.FailedPrecondition, { "x-why": "so", "content-type": "no" });
    }
    if (id === ownTypeId) responseHeader.set("content-type", "application/x-own");
    const venue = requestHeader.get("x-venue") ?? "";
    return { id, version: 1, name: id === longId ? longName : "", artist: String(timeoutMs()), venue };
  },
};
const maxMessageBytes = 10_000;
let app: FastPathApp;

beforeAll(async () => {
  app = await serveFastPath(handlers, { maxMessageBytes });
});
afterAll(() => app?.close());

describe.each(ways)("$name", (way) => {
  const isConnect = !isEnveloped(way);
  const call = (id: bigint, init = {}) => callWay(way, app.port, id, init);

  test("a response has the handler's headers and trailers, repeated ones included", async () => {
    const { code, message, trailers, raw } = await call(plainId, { headers: { "x-venue": "Old Mill" } });
    expect(code).toBeUndefined();
    expect(message).toMatchObject({ id: plainId, artist: "undefined", venue: "Old Mill" });
    expect(trailers).toMatchObject({ "x-cost": "7", "x-cost-bin": "AP8" });
    expect(raw.headers["set-cookie"]).toEqual(["a=1; Path=/", "b=2"]);
    expect(raw.headers["x-twice"]).toBe("1, 2");
    expect(raw.headers["content-type"]).toBe(responseTypeOf(way));
  });

  test("an error has the handler's headers and trailers beside its metadata", async () => {
    const { code, error, message, trailers, raw } = await call(failingId);
    expect([code, error]).toEqual([isConnect ? "failed_precondition" : "9", "no, über 100 %"]);
    expect(message).toBeUndefined();
    expect(trailers).toMatchObject({ "x-cost": "7", ...(!isConnect && { "x-why": "so" }) });
    expect(raw.headers["set-cookie"]).toEqual(["a=1; Path=/", "b=2"]);
    expect(raw.headers["content-type"]).toBe(isConnect ? "application/json" : responseTypeOf(way));
    if (isConnect) expect(raw.headers).toMatchObject({ "x-why": "so", "cache-control": "no-store" });
  });

  test("a content type that the handler sets is kept", async () => {
    const { message, raw } = await call(ownTypeId);
    expect(message?.id).toBe(ownTypeId);
    expect(raw.headers["content-type"]).toBe("application/x-own");
  });

  test("a handler sees its client's timeout", async () => {
    const { message } = await call(plainId, { headers: timeoutOf(way) });
    expect(Number(message?.artist)).toBeGreaterThan(0);
    expect(Number(message?.artist)).toBeLessThanOrEqual(5_000);
  });

  test("a malformed timeout is rejected", async () => {
    const [name = ""] = Object.keys(timeoutOf(way));
    const { code, error } = await call(plainId, { headers: { [name]: "soon" } });
    expect([code, error]).toEqual([isConnect ? "invalid_argument" : "3", expect.stringContaining("soon")]);
  });

  test("a compressed request is read", async () => {
    const { message, raw } = await call(plainId, { gzip: true });
    expect(message?.id).toBe(plainId);
    // Too short to be compressed.
    expect(raw.headers["content-encoding"]).toBeUndefined();
  });

  test("a long response is compressed for a client that accepts it", async () => {
    const acceptHeader = isConnect ? "accept-encoding" : "grpc-accept-encoding";
    const { message, raw } = await call(longId, { headers: { [acceptHeader]: "br, gzip" } });
    expect(message?.name).toBe(longName);
    expect(raw.headers[isConnect ? "content-encoding" : "grpc-encoding"]).toBe("gzip");
    expect(raw.body.length).toBeLessThan(1_000);
    const plain = await call(longId);
    expect(plain.message?.name).toBe(longName);
    expect(plain.raw.body.length).toBeGreaterThan(5_000);
  });
});

const isPost = ({ protocol }: Way) => protocol !== "Connect GET";

describe.each(ways.filter(isPost))("$name, with a body that is no call", (way) => {
  const isConnect = !isEnveloped(way);
  const ask = async (body: Uint8Array, headers: Record<string, string> = {}) => {
    const { path, headers: fixed } = requestOf(way, new Uint8Array());
    const sent = way.protocol === "gRPC-Web text" ? Buffer.from(body).toString("base64") : body;
    const { httpVersion } = way;
    const raw = await sendRaw(app.port, { httpVersion, path, headers: { ...fixed, ...headers }, body: sent });
    return [raw.status === notOwned ? "not owned" : readResponse(way, raw).code, raw] as const;
  };
  const packed = { [isConnect ? "content-encoding" : "grpc-encoding"]: "gzip" };
  const zip = (bytes: Uint8Array) => (isConnect ? gzipSync(bytes) : envelope(gzipSync(bytes), 1));
  const [tooMuch, invalid, unimplemented] = isConnect
    ? ["resource_exhausted", "invalid_argument", "unimplemented"]
    : ["8", "3", "12"];

  test("is rejected if it is too large, before and after decompression", async () => {
    const large = Buffer.alloc(20_000, " ");
    expect((await ask(isConnect ? large : envelope(large)))[0]).toBe(tooMuch);
    expect((await ask(zip(large), packed))[0]).toBe(tooMuch);
  });

  test("is rejected if it is malformed", async () => {
    const malformed = Buffer.from([0xff, 0xff]);
    const expected = isConnect || isJson(way) ? invalid : "13";
    expect((await ask(isConnect ? malformed : envelope(malformed)))[0]).toBe(expected);
    expect((await ask(zip(malformed), packed))[0]).toBe(expected);
  });

  test("is rejected if its compression is unknown", async () => {
    const [code, { headers }] = await ask(Buffer.of(), { [Object.keys(packed)[0] ?? ""]: "deflate" });
    expect(code).toBe(unimplemented);
    if (!isConnect) expect(headers["grpc-accept-encoding"]).toBe("gzip");
  });

  // Connect has no envelopes.
  if (!isConnect) {
    test("is rejected unless it is one whole message", async () => {
      const whole = envelope(Buffer.from(isJson(way) ? "{}" : ""));
      for (const [body, code] of [
        [Buffer.of(), unimplemented],
        [Buffer.concat([whole, whole]), unimplemented],
        [Buffer.of(0, 0), invalid],
        [envelope(Buffer.of(1), 0, 5), invalid],
        [Buffer.concat([whole, Buffer.of(0)]), invalid],
        // Compressed, with no word of what with.
        [envelope(gzipSync("{}"), 1), "13"],
      ] as const) {
        expect((await ask(body))[0]).toBe(code);
      }
    });
  }
});

describe("Connect GET", () => {
  const ask = (headers: Record<string, string> = {}) =>
    sendRaw(app.port, requestOf(way("Connect GET", 1, "JSON"), Buffer.from('{"id":"1"}'), { headers }));

  test("is answered with an ETag, with no body if the client has that version, and with an error if it requires another", async () => {
    const first = await ask();
    const etag = first.headers.etag ?? "";
    expect([first.status, etag]).toEqual([200, expect.stringMatching(/^"1-[\w-]{27}"$/)]);
    const again = await ask({ "if-none-match": etag });
    expect([again.status, again.headers.etag, again.body.length]).toEqual([304, etag, 0]);
    expect(again.headers).not.toHaveProperty("content-type");
    expect((await ask({ "if-match": etag })).status).toBe(200);
    const failed = await ask({ "if-match": '"7-x"' });
    expect([failed.status, failed.headers.etag]).toEqual([412, undefined]);
    expect(failed.headers).toMatchObject({ "content-type": "application/json", "cache-control": "no-store" });
    expect(JSON.parse(failed.body.toString())).toMatchObject({ code: "failed_precondition" });
  });

  test.each([
    ["version", "connect=v2&encoding=json&message=%7B%7D", 400, "invalid_argument"],
    ["compression", "encoding=json&message=%7B%7D&compression=deflate", 501, "unimplemented"],
    ["message", "encoding=json&message=%7B", 400, "invalid_argument"],
    ["binary message", "encoding=proto&message=%01", 400, "invalid_argument"],
  ])("with another %s is rejected", async (_, query, status, code) => {
    const { status: actual, body } = await sendRaw(app.port, { path: `${path}?${query}` });
    expect([actual, JSON.parse(body.toString())]).toMatchObject([status, { code }]);
  });
});

test.each([
  { what: "another HTTP method", method: "PUT", type: "application/json" },
  { what: "HEAD", method: "HEAD", query: "?encoding=json&message=%7B%7D" },
  { what: "a type of none of the protocols", type: "application/xml" },
  { what: "a stream's type", type: "application/connect+json" },
  { what: "no type" },
  { what: "text", type: "text/plain" },
  { what: "another charset", type: "application/json; charset=latin1" },
  { what: "a GET that names no format", method: "GET", query: "?message=%7B%7D" },
  { what: "a GET of another protocol", method: "GET", type: "application/grpc", query: "?encoding=json" },
])("the mount answers $what", async ({ method = "POST", type, query = "" }) => {
  const headers = { ...(type && { "content-type": type }) };
  const body = method === "POST" || method === "PUT" ? { body: "{}" } : {};
  const { status } = await sendRaw(app.port, { path: path + query, method, headers, ...body });
  expect(status).toBe(notOwned);
});

describe("behind the mount", () => {
  const apps: ServedApp[] = [];
  const seen: string[] = [];
  // Only Connect's own context has this function.
  const noteContext: ConcertHandlers = {
    getConcert(request, context) {
      seen.push("abort" in context ? "Connect" : "fast path");
      return handlers.getConcert?.(request, context) ?? {};
    },
  };

  beforeAll(async () => {
    for (const fastPath of [true, false])
      apps.push(await serveApp(noteContext, { maxBodyBytes: maxMessageBytes, fastPath }));
  });
  afterAll(() => Promise.all(apps.map((each) => each.close())));

  const comparable = ways.filter(({ protocol }) => protocol !== "gRPC-Web text");
  test.each(comparable)("$name is answered by the fast path, and no different than by Connect", async (way) => {
    for (const id of [plainId, failingId, ownTypeId, longId]) {
      for (const headers of [{}, { "accept-encoding": "gzip", "grpc-accept-encoding": "gzip" }]) {
        seen.length = 0;
        const [fast, piped] = await Promise.all(
          apps.map(async ({ port }) => lasting(await callWay(way, port, id, { headers }))),
        );
        expect(fast).toEqual(piped);
        expect(seen.toSorted()).toEqual(["Connect", "fast path"]);
      }
    }
  });

  /** What does not vary from call to call. A GET's ETag is the fast path's alone. */
  function lasting({ raw: { status, headers, trailers, body } }: Awaited<ReturnType<typeof callWay>>) {
    const { date, etag, "x-request-id": _, ...kept } = headers;
    return { status, headers: kept, trailers, body: body.toString("latin1") };
  }
});
