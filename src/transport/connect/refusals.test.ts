/** Which requests are calls of a method. Connect would refuse the others with an empty body. */
import { createConnectRouter } from "@connectrpc/connect";
import type { FastifyRequest } from "fastify";
import { describe, expect, test } from "vitest";
import { ConcertService } from "../../../gen/frontrow/v1/concert_service_pb.ts";
import { ServerReflection } from "../../../gen/grpc/reflection/v1/reflection_pb.ts";
import { Health } from "../../../gen/health/v1/health_pb.ts";
import { httpStatusOf } from "../http-errors.ts";
import { faultOf, refusalOf } from "./refusals.ts";

const { handlers } = createConnectRouter()
  .service(ConcertService, {})
  .service(Health, {})
  .service(ServerReflection, {});

type Headers = Record<string, string | undefined>;

interface Given {
  readonly method?: string;
  readonly query?: string;
  readonly version?: number;
  readonly headers?: Headers;
}

function statusOf(name: string, { method = "POST", query, version = 2, headers = {} }: Given) {
  const handler = handlers.find((each) => each.method.name === name);
  if (handler === undefined) throw new Error(`there is no method ${name}`);
  const url = query === undefined ? handler.requestPath : `${handler.requestPath}?${query}`;
  const all = { host: "test", ...headers };
  const raw = { url, httpVersionMajor: version, headers: all };
  const request = { method, url, headers: all, raw } as unknown as FastifyRequest;
  const error = faultOf(request) ?? refusalOf(handler, request);
  return error && httpStatusOf(error.status);
}

const typed = (type: string) => ({ headers: { "content-type": type } });

test.each([
  ...["application/json", "application/json; charset=utf-8", "application/JSON;charset=utf8", "application/proto"],
  ...["application/grpc", "application/grpc+proto", "application/grpc+json", "application/GRPC"],
  ...["application/grpc-web", "application/grpc-web+proto", "application/grpc-web+json"],
  ...["application/grpc-web-text", "application/grpc-web-text+proto"],
])("takes a unary call as %s", (type) => {
  expect(statusOf("GetConcert", typed(type))).toBeUndefined();
});

test.each([
  ...["application/connect+json", "application/grpc+xml", "application/grpcs", "application/grpc-web-texts", ""],
  ...["text/plain", "application/json; charset=latin1", "application/connect+xml"],
])("refuses a unary call as %j: 415", (type) => {
  expect(statusOf("GetConcert", typed(type))).toBe(415);
});

test.each([
  ...["application/connect+json", "application/connect+proto", "application/grpc", "application/grpc-web"],
  "application/grpc-web-text",
])("takes a stream as %s", (type) => expect(statusOf("Watch", typed(type))).toBeUndefined());

test.each(["application/json", "application/proto", "application/connectjson"])("refuses a stream as %s: 415", (type) =>
  expect(statusOf("Watch", typed(type))).toBe(415),
);

test("a call that streams both ways needs HTTP/2: 505", () => {
  const given = typed("application/grpc");
  expect(statusOf("ServerReflectionInfo", given)).toBeUndefined();
  expect(statusOf("ServerReflectionInfo", { ...given, version: 1 })).toBe(505);
});

describe("a GET", () => {
  const get = (query: string, headers: Headers = {}) => statusOf("GetConcert", { method: "GET", query, headers });

  test("calls a method that only reads", () => {
    expect(get("encoding=json&message=%7B%7D")).toBeUndefined();
    expect(get("encoding=proto&base64=1&message=CAE=", { "content-type": "application/json" })).toBeUndefined();
  });

  test.each([
    [415, "message={}", {}],
    [415, "encoding=xml&message={}", {}],
    [415, "encoding=json&message={}", { "content-type": "application/grpc" }],
    [400, "encoding=json&message=%ff", {}],
    [400, "encoding=json&base64=1&message=a", {}],
    [400, "encoding=json&base64=1&message=!!!!", {}],
  ])("is answered %i: %s %j", (status, query, headers) => {
    expect(get(query, headers)).toBe(status);
  });

  test("of a method that changes something is refused: 405", () => {
    expect(statusOf("CreateConcert", { method: "GET", query: "encoding=json&message={}" })).toBe(405);
  });
});

test.each(["a b", "", "test:99999", "[::1", undefined])("refuses the Host %j: 400", (host) => {
  expect(statusOf("GetConcert", { headers: { host, "content-type": "application/json" } })).toBe(400);
});

test.each(["localhost:8080", "[::1]:80", "192.0.2.1", "a_b.test"])("takes the Host %s", (host) => {
  for (let time = 0; time < 2; time++) {
    expect(statusOf("GetConcert", { headers: { host, "content-type": "application/json" } })).toBeUndefined();
  }
});
