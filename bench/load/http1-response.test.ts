import { expect, test } from "vitest";
import { parseHttp1Response } from "./http1-response.ts";

const parse = (text: string) => parseHttp1Response(Buffer.from(text));
const whole = 'HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{"id":"5"}';
const chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n";

test("a body of a known length", () => {
  expect(parse(whole)).toEqual({ status: 201, body: '{"id":"5"}' });
});

test("a body in chunks", () => {
  expect(parse(chunked)).toEqual({ status: 200, body: "abc0123456789" });
});

test.each([whole, chunked])("however much is missing, it is no response yet", (text) => {
  for (let length = 0; length < text.length; length++) expect(parse(text.slice(0, length))).toBeUndefined();
});

test("no body", () => {
  expect(parse("HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n")).toEqual({ status: 304, body: "" });
});

test("what is not understood is not taken for something else", () => {
  expect(() => parse(`${whole}HTTP/1.1 200 OK`)).toThrow("more than one response");
  expect(() => parse("HTTP/1.1 200 OK\r\n\r\nabc")).toThrow("does not tell its length");
});
