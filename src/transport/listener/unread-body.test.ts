import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { Readable } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { discardBody } from "./unread-body.ts";

const piece = Buffer.alloc(64 * 1024);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** The parts of a request that are used, with a body of so many pieces, and how many of them have been read. */
function requestOf(pieces: number, headers: IncomingHttpHeaders = {}) {
  let asked = 0;
  const body = new Readable({ read: () => setImmediate(() => body.push(asked++ < pieces ? piece : null)) });
  const request = Object.assign(body, { headers, socket: new Socket() }) as unknown as IncomingMessage;
  let read = 0;
  request.on("data", () => read++);
  request.pause();
  return { request, read: () => read };
}

const response = (writableFinished: boolean) => {
  const listeners = new Map<string, () => void>();
  const once = (name: string, listener: () => void) => void listeners.set(name, listener);
  return {
    response: { writableFinished, once } as unknown as ServerResponse,
    finish: () => listeners.get("finish")?.(),
  };
};

async function settle(): Promise<void> {
  for (let turn = 0; turn < 30; turn++) await nextTurn();
}

test("a body of up to 256 KiB is read to its end, and the connection stays", async () => {
  const { request, read } = requestOf(4);
  discardBody(request, response(true).response);
  await settle();
  expect([read(), request.readableEnded, request.socket.writableEnded]).toEqual([4, true, false]);
  expect(vi.getTimerCount()).toBe(0);
});

test("past 256 KiB nothing more is read, and the connection is closed after the response", async () => {
  const { request, read } = requestOf(20);
  const { response: open, finish } = response(false);
  discardBody(request, open);
  await settle();
  expect([read(), request.isPaused(), request.socket.writableEnded]).toEqual([5, true, false]);
  finish();
  expect(request.socket.writableEnded).toBe(true);
  vi.advanceTimersByTime(499);
  expect(request.socket.destroyed).toBe(false);
  vi.advanceTimersByTime(1);
  expect(request.socket.destroyed).toBe(true);
});

test("nothing is read of a body that announces more than 256 KiB", async () => {
  const { request, read } = requestOf(20, { "content-length": "262145" });
  discardBody(request, response(true).response);
  await settle();
  expect([read(), request.socket.writableEnded]).toEqual([0, true]);
  request.socket.destroy();
});

test("a request that has arrived keeps its connection, however long it was", () => {
  const { request } = requestOf(0, { "content-length": "1000000" });
  request.complete = true;
  discardBody(request, response(true).response);
  expect([request.isPaused(), request.socket.writableEnded]).toEqual([false, false]);
});

test("a client that closes first leaves no timer behind", async () => {
  const { request } = requestOf(20);
  discardBody(request, response(true).response);
  await settle();
  expect(vi.getTimerCount()).toBe(1);
  request.socket.destroy();
  await settle();
  expect(vi.getTimerCount()).toBe(0);
});

test("a body that is discarded twice is counted once", async () => {
  const { request, read } = requestOf(4);
  for (let time = 0; time < 2; time++) discardBody(request, response(true).response);
  await settle();
  expect([read(), request.readableEnded]).toEqual([4, true]);
});
