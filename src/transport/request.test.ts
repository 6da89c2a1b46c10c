import type { IncomingMessage } from "node:http";
import { PassThrough } from "node:stream";
import type { FastifyRequest } from "fastify";
import { describe, expect, test } from "vitest";
import { hasUrl, receiveBody, urlOf } from "./request.ts";
import { createShutdownNotices } from "./shutdown-notices.ts";

const maxBytes = 6;
const neverStops = createShutdownNotices(undefined);

function receive() {
  const request = new PassThrough();
  return { request, body: receiveBody(request as unknown as IncomingMessage, maxBytes, neverStops) };
}

describe("a body", () => {
  test.each([[[]], [["abcdef"]], [["ab", "c", "def"]]])("of %j is whole", async (pieces) => {
    const { request, body } = receive();
    for (const piece of pieces) request.write(piece);
    request.end();
    expect(await body).toEqual(Buffer.from(pieces.join("")));
  });

  test("that is too long is left behind what has been read", async () => {
    const { request, body } = receive();
    request.write("abc");
    request.write("defg");
    expect(await body).toEqual(Buffer.from("abcdefg"));
    request.write("hi");
    request.end("j");
    expect(Buffer.concat(await request.toArray()).toString()).toBe("hij");
  });

  test("of many pieces is put together as it comes", async () => {
    const request = new PassThrough();
    const body = receiveBody(request as unknown as IncomingMessage, 1_000, neverStops);
    const bytes = Buffer.from(Array.from({ length: 1_000 }, (_, index) => index % 251));
    for (const byte of bytes) request.write(Buffer.of(byte));
    request.end();
    expect(await body).toEqual(bytes);
  });

  test("that ends before its end is cut off", async () => {
    const { request, body } = receive();
    request.write("abc");
    request.destroy();
    expect(await body).toBeUndefined();
  });

  test("that has not ended when the service stops fails with the reason of that", async () => {
    const stop = new AbortController();
    const shutdown = createShutdownNotices(stop.signal);
    const receiveNow = () => receiveBody(new PassThrough() as unknown as IncomingMessage, maxBytes, shutdown);
    const underWay = receiveNow();
    stop.abort("over");
    await expect(underWay).rejects.toBe("over");
    await expect(receiveNow()).rejects.toBe("over");
  });

  test("leaves nothing behind that listens", async () => {
    const { request, body } = receive();
    const before = new PassThrough();
    request.end("abc");
    await body;
    for (const event of ["data", "close"]) expect(request.listenerCount(event)).toBe(before.listenerCount(event));
  });
});

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
