import type { FastifyRequest } from "fastify";
import { describe, expect, test } from "vitest";
import { hasUrl, urlOf } from "./request-url.ts";

const requestTo = (host: string | undefined, url: string, forwarded?: string) => {
  const headers = { host, "x-forwarded-host": forwarded };
  return { url, host: forwarded ?? host, headers, raw: { url, headers } } as unknown as FastifyRequest;
};

describe("the URL of a request", () => {
  test.each([
    ["localhost:8080", "/a?b", "http://localhost:8080/a?b"],
    ["[::1]:8080", "/a", "http://[::1]:8080/a"],
    ["a", "http://b/c", "http://b/c"],
    ["a~b", "/c", "http://a~b/c"],
    ["EXAMPLE.test:80", "/c", "http://example.test/c"],
    ["a", '/c?d={"e":1}', "http://a/c?d={%22e%22:1}"],
    ["a", "//b/c", "http://b/c"],
  ])("to %s for %s is as Connect has it", (host, url, expected) => {
    const request = requestTo(host, url);
    expect([hasUrl(request), urlOf(request)]).toEqual([true, expected]);
    expect(urlOf(request)).toBe(new URL(url, `http://${host}`).toString());
  });

  test("has nothing of what a proxy says about the host", () => {
    expect(urlOf(requestTo("a", "/c", "b c"))).toBe("http://a/c");
  });
});

describe("no URL can be made", () => {
  test.each([undefined, "", "a b", "a/b", "a?x", "a#x", "u@b", "a\\b", "test:99999", "[::1", " a"])(
    "of the host %j",
    (host) => expect(hasUrl(requestTo(host, "/c"))).toBe(false),
  );

  test.each(["/c#d", "/c?d#e", "http://a/c#d", "http://[/c"])("of the target %s", (url) =>
    expect(hasUrl(requestTo("a", url))).toBe(false),
  );
});
