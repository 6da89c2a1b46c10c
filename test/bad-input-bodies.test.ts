/** Bodies that are too large, compressed too well, truncated or malformed. */
import { gzipSync } from "node:zlib";
import { Code } from "@connectrpc/connect";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { converse, openRaw } from "./support/network/raw-connection.ts";
import { type Subject, startSubject } from "./support/service/subject.ts";
import { envelope } from "./support/wire/envelopes.ts";
import { expectConnectError, expectGrpcError, expectNoInsides, expectProblem } from "./support/wire/errors.ts";
import { type HttpAnswer, jsonType, rpcPath, sendGrpc, sendHttp } from "./support/wire/http.ts";

const maxBytes = 4096;

let subject: Subject;
beforeAll(async () => {
  subject = await startSubject({ APP_MAX_BODY_BYTES: String(maxBytes) });
});
afterEach(() => subject.expectUnharmed());
afterAll(() => subject?.close());

const restPath = "/api/v1/concerts";
const rpc = rpcPath("ConcertService.CreateConcert");
const protoType = { "content-type": "application/proto" };
const grpcWebType = { "content-type": "application/grpc-web+proto" };

const post = (path: string, body: string | Uint8Array, headers: Record<string, string> = {}) =>
  sendHttp(subject.baseUrl, { method: "POST", path, headers, body });

/** The error of a gRPC-Web call, whose trailers end the body. */
function expectGrpcWebError({ status, text }: HttpAnswer, code: Code): void {
  const found = Number(/grpc-status: (\d+)/.exec(text)?.[1]);
  const message = decodeURIComponent(/grpc-message: (.+)/.exec(text)?.[1] ?? "");
  expect([status, found, message]).toEqual([200, code, expect.stringMatching(/./)]);
  expectNoInsides(message);
}

/** How each kind of protocol sends a body and refuses it: as too large, or for its content. */
const ways: Readonly<
  Record<
    string,
    { send: (body: Uint8Array, chunked: boolean) => Promise<HttpAnswer>; tooLarge: (answer: HttpAnswer) => void }
  >
> = {
  REST: {
    send: (body, chunked) => post(restPath, body, { ...jsonType, ...transfer(chunked) }),
    tooLarge: (answer) => expectProblem(answer, 413, "REQUEST_TOO_LARGE"),
  },
  "Connect JSON": {
    send: (body, chunked) => post(rpc, body, { ...jsonType, ...transfer(chunked) }),
    tooLarge: (answer) => expectConnectError(answer, 429, "resource_exhausted"),
  },
  "Connect binary": {
    send: (body, chunked) => post(rpc, body, { ...protoType, ...transfer(chunked) }),
    tooLarge: (answer) => expectConnectError(answer, 429, "resource_exhausted"),
  },
  "gRPC-Web": {
    send: (body, chunked) => post(rpc, envelope(body), { ...grpcWebType, ...transfer(chunked) }),
    tooLarge: (answer) => expectGrpcWebError(answer, Code.ResourceExhausted),
  },
  gRPC: {
    send: (body) => sendGrpc(subject.baseUrl, rpc, envelope(body)),
    tooLarge: (answer) => expectGrpcError(answer, Code.ResourceExhausted),
  },
};

const transfer = (chunked: boolean): Record<string, string> => (chunked ? { "transfer-encoding": "chunked" } : {});

describe.each(Object.entries(ways))("%s", (_, { send, tooLarge }) => {
  // Not a message in any protocol: a parser would answer with another error.
  test.each([
    ["a byte", maxBytes + 1],
    ["a megabyte", 1_000_000],
  ])("refuses a body that is %s too large before it parses it", async (_what, bytes) => {
    tooLarge(await send(Buffer.alloc(bytes, "x"), false));
    tooLarge(await send(Buffer.alloc(bytes, "x"), true));
  });

  test("parses a body of just the largest size", async () => {
    for (const chunked of [false, true]) {
      const answer = await send(Buffer.alloc(maxBytes, "x"), chunked);
      expect(() => tooLarge(answer)).toThrow();
    }
  });
});

describe("a body whose Content-Length is too large", () => {
  test.each([
    ["REST", restPath, "HTTP/1.1 413"],
    ["Connect", rpc, "HTTP/1.1 429"],
  ])("is refused by %s before it is sent", async (_, path, answer) => {
    const connection = openRaw(Number(new URL(subject.baseUrl).port));
    const head = `POST ${path} HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n`;
    connection.socket.write(head);
    await connection.waitFor(answer);
    connection.socket.destroy();
  });

  test("is refused by gRPC and gRPC-Web", async () => {
    const lie = envelope(Buffer.of(), 0, 0xffffffff);
    expectGrpcError(await sendGrpc(subject.baseUrl, rpc, lie), Code.ResourceExhausted);
    expectGrpcWebError(await post(rpc, lie, grpcWebType), Code.ResourceExhausted);
  });
});

describe("a compressed body", () => {
  const spaces = Buffer.alloc(2_000_000, " ");
  const bomb = gzipSync(spaces);

  test("counts with its decompressed size", async () => {
    const [encoding, bytes] = ["gzip", bomb];
    expect(bytes.length).toBeLessThan(maxBytes);
    const headers = { "content-encoding": encoding };
    for (const type of [jsonType, protoType]) {
      expectConnectError(await post(rpc, bytes, { ...type, ...headers }), 429, "resource_exhausted");
    }
    const [grpc, web] = [{ "grpc-encoding": encoding }, { ...grpcWebType, "grpc-encoding": encoding }];
    expectGrpcError(await sendGrpc(subject.baseUrl, rpc, envelope(bytes, 1), grpc), Code.ResourceExhausted);
    expectGrpcWebError(await post(rpc, envelope(bytes, 1), web), Code.ResourceExhausted);
    const query = `connect=v1&encoding=json&compression=${encoding}&base64=1&message=${bytes.toString("base64url")}`;
    const path = `${rpcPath("ConcertService.ListConcerts")}?${query}`;
    expectConnectError(await sendHttp(subject.baseUrl, { path }), 429, "resource_exhausted");
  });

  test("is accepted by Connect and gRPC within the limit", async () => {
    const list = rpcPath("ConcertService.ListConcerts");
    const json = await post(list, gzipSync("{}"), { ...jsonType, "content-encoding": "gzip" });
    expect(json.status).toBe(200);
    const grpc = await sendGrpc(subject.baseUrl, list, envelope(gzipSync(""), 1), { "grpc-encoding": "gzip" });
    expect(grpc.headers["grpc-status"]).toBe("0");
  });

  test.each([
    ["no gzip", Buffer.from("{}")],
    ["half of it", gzipSync("{}").subarray(0, 12)],
    ["with a wrong checksum", Buffer.concat([gzipSync("{}").subarray(0, -8), Buffer.alloc(8)])],
    ["nothing", Buffer.of(0x1f, 0x8b)],
  ])("that cannot be decompressed is refused: %s", async (_, bytes) => {
    const answer = await post(rpc, bytes, { ...jsonType, "content-encoding": "gzip" });
    expectConnectError(answer, 400, "invalid_argument");
    const grpc = await sendGrpc(subject.baseUrl, rpc, envelope(bytes, 1), { "grpc-encoding": "gzip" });
    expectGrpcError(grpc, Code.InvalidArgument);
  });

  test.each(["deflate", "snappy", "zstd", "gzip, gzip", "x"])(
    "in %s is UNIMPLEMENTED, with what is accepted",
    async (encoding) => {
      const connect = await post(rpc, "{}", { ...jsonType, "content-encoding": encoding });
      expectConnectError(connect, 501, "unimplemented");
      const grpc = await sendGrpc(subject.baseUrl, rpc, envelope(Buffer.of(), 1), { "grpc-encoding": encoding });
      expectGrpcError(grpc, Code.Unimplemented);
      const web = await post(rpc, envelope(Buffer.of(), 1), { ...grpcWebType, "grpc-encoding": encoding });
      expectGrpcWebError(web, Code.Unimplemented);
      expect(connect.headers["accept-encoding"]).toBe("gzip");
      for (const { headers } of [grpc, web]) expect(headers["grpc-accept-encoding"]).toBe("gzip");
    },
  );

  test.each(["gzip", "br", "snappy"])("is refused by REST: %s", async (encoding) => {
    const answer = await post(restPath, bomb, { ...jsonType, "content-encoding": encoding });
    expectProblem(answer, 415, "UNSUPPORTED_MEDIA_TYPE");
  });
});

describe("an empty body", () => {
  test("is a request without its required fields", async () => {
    for (const headers of [{}, jsonType]) expectProblem(await post(restPath, "", headers), 400, "INVALID_REQUEST");
    expectConnectError(await post(rpc, "", jsonType), 400, "invalid_argument");
    expectConnectError(await post(rpc, "", protoType), 400, "invalid_argument");
    expectGrpcError(await sendGrpc(subject.baseUrl, rpc, envelope(Buffer.of())), Code.InvalidArgument);
    expectGrpcWebError(await post(rpc, envelope(Buffer.of()), grpcWebType), Code.InvalidArgument);
  });

  test("without an envelope has no message", async () => {
    expectGrpcError(await sendGrpc(subject.baseUrl, rpc, Buffer.of()), Code.Unimplemented);
    expectGrpcWebError(await post(rpc, "", grpcWebType), Code.Unimplemented);
  });

  test("is the only body that a GET may have", async () => {
    for (const path of [restPath, `${restPath}/${subject.concertId}`]) {
      const answer = await sendHttp(subject.baseUrl, { method: "GET", path, headers: jsonType, body: "{}" });
      expect(expectProblem(answer, 400, "INVALID_REQUEST").detail).toBe("this method takes no request body");
    }
  });
});

describe("malformed bytes", () => {
  const name = (...bytes: number[]) => Buffer.of(0x12, bytes.length, ...bytes);
  test.each([
    ["an unfinished tag", Buffer.of(0xff)],
    ["an unfinished number", Buffer.of(0x30, 0x80)],
    ["a length past the end", Buffer.of(0x12, 0x7f, 0x41)],
    ["a negative length", Buffer.of(0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01)],
    ["the field 0", Buffer.of(0x00, 0x01)],
    ["a group that never ends", Buffer.alloc(1_000, 0x0b)],
    ["an end without a group", Buffer.of(0x0c)],
    ["broken UTF-8", name(0xff, 0xfe)],
    ["half a character", name(0xe2, 0x82)],
    ["an encoded surrogate", name(0xed, 0xa0, 0x80)],
    ["text", Buffer.from('{"name":"x"}')],
  ])("%s: refused by every binary protocol", async (_, bytes) => {
    // Connect answers INTERNAL before any code of ours runs.
    const connect = await post(rpc, bytes, protoType);
    expectConnectError(connect, 400, "invalid_argument");
    const grpc = await sendGrpc(subject.baseUrl, rpc, envelope(bytes));
    const code = Number(grpc.headers["grpc-status"]);
    expect(code).toBeOneOf([Code.InvalidArgument, Code.Internal]);
    expectGrpcError(grpc, code);
    expectGrpcWebError(await post(rpc, envelope(bytes), grpcWebType), code);
  });

  test("unknown fields are ignored, so that newer clients can call", async () => {
    const path = rpcPath("ConcertService.GetConcert");
    const bytes = Buffer.concat([Buffer.of(0x08, 0x01), Buffer.of(0xf8, 0x7f, 0x01), Buffer.of(0x7a, 0x01, 0xff)]);
    expect((await post(path, bytes, protoType)).status).toBe(200);
    expect((await sendGrpc(subject.baseUrl, path, envelope(bytes))).headers["grpc-status"]).toBe("0");
  });

  const someId = Buffer.of(0x10, 1);
  test.each([
    ["half a prefix", Buffer.of(0, 0, 0), Code.InvalidArgument],
    ["less than it promises", envelope(someId, 0, 100), Code.InvalidArgument],
    ["two messages", Buffer.concat([envelope(someId), envelope(someId)]), Code.Unimplemented],
    // The code that gRPC's rules ask for.
    ["compressed without saying how", envelope(someId, 1), Code.Internal],
  ])("an envelope of %s", async (_, bytes, code) => {
    const path = rpcPath("BookingService.CancelBooking");
    expectGrpcError(await sendGrpc(subject.baseUrl, path, bytes), code);
    expectGrpcWebError(await post(path, bytes, grpcWebType), code);
  });
});

describe("a body that does not match its headers", () => {
  const head = (...headers: string[]) =>
    [`POST ${restPath} HTTP/1.1`, "Host: test", "Content-Type: application/json", ...headers, "", ""].join("\r\n");
  const port = () => Number(new URL(subject.baseUrl).port);

  test.each([
    ["a negative length", head("Content-Length: -1")],
    ["a length that is no number", head("Content-Length: x")],
    ["two lengths", head("Content-Length: 2", "Content-Length: 3")],
    ["a length and chunks", `${head("Content-Length: 5", "Transfer-Encoding: chunked")}0\r\n\r\n`],
    ["a chunk of no size", `${head("Transfer-Encoding: chunked")}zz\r\n{}\r\n`],
    ["chunks of another coding", `${head("Transfer-Encoding: gzip")}{}`],
  ])("%s is refused", async (_, text) => {
    expect(await converse(port(), text)).toMatch(/^HTTP\/1.1 4\d\d /);
  });

  test.each([
    ["a length", `${head("Content-Length: 300")}{"name":"x"`],
    ["chunks", `${head("Transfer-Encoding: chunked")}a\r\n{"name":"x\r\n`],
  ])("of which half is sent before the client closes, after %s, is dropped", async (_, text) => {
    const connection = openRaw(port());
    await new Promise((resolve) => connection.socket.write(text, resolve));
    connection.socket.end();
    await connection.closed;
  });
});
