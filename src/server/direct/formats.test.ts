/** Which requests are answered directly: the others are Connect's, also those that only look alike. */
import type { FastifyRequest } from "fastify";
import { describe, expect, test } from "vitest";
import { createDirectConnect } from "./connect.ts";
import { directGrpc } from "./grpc.ts";

type Headers = Record<string, string | undefined>;

interface Given {
  readonly method?: string;
  readonly host?: string;
  readonly httpVersionMajor?: number;
  readonly headers?: Headers;
}

function requestOf({ method = "POST", host = "localhost:8080", httpVersionMajor = 2, headers = {} }: Given) {
  return { method, host, headers, raw: { httpVersionMajor } } as unknown as FastifyRequest;
}

const directConnect = createDirectConnect({});
const json = { "content-type": "application/json" };
const proto = { "content-type": "application/proto" };
const grpc = { "content-type": "application/grpc" };

describe("gRPC is answered directly", () => {
  test.each<[what: string, given: Given]>([
    ["in its usual form", { headers: grpc }],
    ["with its format", { headers: { "content-type": "application/grpc+proto" } }],
    ["with a timeout", { headers: { ...grpc, "grpc-timeout": "10S" } }],
    ["uncompressed by its own account", { headers: { ...grpc, "grpc-encoding": "identity" } }],
    ["to an address of IPv6", { headers: grpc, host: "[::1]:8080" }],
  ])("%s", (_, given) => {
    expect(directGrpc.formatOf(requestOf(given))).toEqual({ isBinary: true });
  });

  test.each<[what: string, given: Given]>([
    ["as gRPC-Web", { headers: { "content-type": "application/grpc-web+proto" } }],
    ["in JSON", { headers: { "content-type": "application/grpc+json" } }],
    ["over HTTP/1", { headers: grpc, httpVersionMajor: 1 }],
    ["by GET", { headers: grpc, method: "GET" }],
    ["compressed", { headers: { ...grpc, "grpc-encoding": "gzip" } }],
    ["with a timeout that is none", { headers: { ...grpc, "grpc-timeout": "10" } }],
    ["with a host that is none", { headers: grpc, host: "a b" }],
    ["without a host", { headers: grpc, host: "" }],
    ["with another protocol's type", { headers: json }],
    ["without a type", {}],
  ])("but not %s", (_, given) => {
    expect(directGrpc.formatOf(requestOf(given))).toBeUndefined();
  });
});

describe("Connect is answered directly", () => {
  test.each<[what: string, headers: Headers, isBinary: boolean]>([
    ["in JSON", json, false],
    ["in JSON with its charset", { "content-type": "application/json; charset=utf-8" }, false],
    ["in binary", proto, true],
    ["with its version", { ...json, "connect-protocol-version": "1" }, false],
    ["with a timeout", { ...json, "connect-timeout-ms": "500" }, false],
  ])("%s", (_, headers, isBinary) => {
    expect(directConnect.formatOf(requestOf({ headers }))).toEqual({ isBinary });
  });

  test.each<[what: string, given: Given]>([
    ["in a stream", { headers: { "content-type": "application/connect+json" } }],
    ["in another charset", { headers: { "content-type": "application/json; charset=latin1" } }],
    ["by GET", { headers: json, method: "GET" }],
    ["compressed", { headers: { ...json, "content-encoding": "gzip" } }],
    ["in another version", { headers: { ...json, "connect-protocol-version": "2" } }],
    ["with a timeout that is none", { headers: { ...json, "connect-timeout-ms": "soon" } }],
    ["with a host that is none", { headers: json, host: "a/b" }],
    ["with another protocol's type", { headers: grpc }],
  ])("but not %s", (_, given) => {
    expect(directConnect.formatOf(requestOf(given))).toBeUndefined();
  });
});

describe("a message of gRPC", () => {
  const unwrap = (...bytes: number[]) => directGrpc.unwrap(Uint8Array.from(bytes));

  test("is what its prefix says", () => {
    expect(unwrap(0, 0, 0, 0, 2, 7, 8)).toEqual(Uint8Array.of(7, 8));
    expect(unwrap(0, 0, 0, 0, 0)).toEqual(Uint8Array.of());
  });

  test.each([
    ["compressed", [1, 0, 0, 0, 1, 7]],
    ["cut off", [0, 0, 0, 0, 2, 7]],
    ["followed by more", [0, 0, 0, 0, 1, 7, 0]],
    ["without its prefix", [0, 0, 0, 0]],
    ["missing", []],
  ])("is left to Connect when it is %s", (_, bytes) => {
    expect(unwrap(...bytes)).toBeUndefined();
  });
});
