/** Which requests the fast path answers: the mount answers the others, also those that only look alike. */
import type { FastifyRequest } from "fastify";
import { describe, expect, test } from "vitest";
import { createForms } from "./fast-path.ts";

const [getConcert, createConcert] = [{ isRead: true }, { isRead: false }];
const formOf = createForms({ jsonOptions: {}, maxMessageBytes: 100 });

interface Given {
  readonly method?: string;
  readonly url?: string;
  readonly type?: string;
}

function requestOf({ method = "POST", url = "/x", type }: Given) {
  return { method, url, headers: { "content-type": type } } as unknown as FastifyRequest;
}

describe("a POST is answered", () => {
  test.each<[type: string, protocol: string, isJson: boolean, answered: string]>([
    ["application/grpc", "grpc", false, "application/grpc+proto"],
    ["application/grpc+proto", "grpc", false, "application/grpc+proto"],
    ["application/GRPC+JSON; charset=utf-8", "grpc", true, "application/grpc+json"],
    ["application/grpc-web", "grpc-web", false, "application/grpc-web+proto"],
    ["application/grpc-web+json", "grpc-web", true, "application/grpc-web+json"],
    ["application/grpc-web-text", "grpc-web", false, "application/grpc-web-text+proto"],
    ["application/grpc-web-text+proto", "grpc-web", false, "application/grpc-web-text+proto"],
    ["application/grpc-web-text+json", "grpc-web", true, "application/grpc-web-text+json"],
    ["application/json", "connect", true, "application/json"],
    ["application/json;charset=UTF8", "connect", true, "application/json"],
    ["application/proto", "connect", false, "application/proto"],
  ])("of %s", (type, protocol, isJson, contentType) => {
    const form = formOf(getConcert, requestOf({ type }));
    expect(form).toMatchObject({ protocol: { name: protocol }, isJson, contentType });
  });

  test.each<[what: string, given: Given]>([
    ["a stream's type", { type: "application/connect+json" }],
    ["another codec", { type: "application/grpc+xml" }],
    ["another charset", { type: "application/json; charset=latin1" }],
    ["a charset of binary", { type: "application/proto; charset=utf-8" }],
    ["no type", {}],
    ["another method", { type: "application/json", method: "PUT" }],
  ])("but not of %s", (_, given) => expect(formOf(getConcert, requestOf(given))).toBeUndefined());
});

describe("a GET is answered", () => {
  const get = (query: string, given: Given = {}) => requestOf({ method: "GET", url: `/x?${query}`, ...given });

  test.each([
    ["encoding=json&message=%7B%7D", true],
    ["encoding=proto&base64=1&message=CAE", false],
    ["encoding=proto&base64=1&message=CAE%3D", false],
    ["encoding=json", true],
  ])("with the query %s", (query, isJson) => {
    const form = formOf(getConcert, get(query));
    expect([form?.protocol.name, form?.isJson, form?.query?.get("encoding")]).toEqual([
      "connect",
      isJson,
      isJson ? "json" : "proto",
    ]);
  });

  test("of a type of Connect", () => {
    expect(formOf(getConcert, get("encoding=json", { type: "application/json" }))).toBeDefined();
    expect(formOf(getConcert, get("encoding=json", { type: "application/grpc" }))).toBeUndefined();
  });

  test.each(["", "encoding=xml"])("but not with the query %j", (query) =>
    expect(formOf(getConcert, get(query))).toBeUndefined(),
  );

  test("but not of a method that changes something", () => {
    expect(formOf(createConcert, get("encoding=json"))).toBeUndefined();
  });
});
