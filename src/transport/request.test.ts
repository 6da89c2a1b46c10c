import type { IncomingMessage } from "node:http";
import { PassThrough } from "node:stream";
import { describe, expect, test } from "vitest";
import { receiveBody } from "./request-body.ts";
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
