import type { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { Readable } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createRefusedBodies, type RefusedBodies } from "./lingering-close.ts";

const piece = Buffer.alloc(64 * 1024);
/** Four pieces a second. */
const bytesPerSecond = 4 * piece.length;

let refusedBodies: RefusedBodies;
let nowMs: number;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  nowMs = 0;
  refusedBodies = createRefusedBodies({ bytesPerSecond, maxWaiting: 3, now: () => nowMs });
});
afterEach(() => {
  vi.useRealTimers();
});

/** As much of a request as is looked at. */
function requestOf(read: (request: Readable) => void): IncomingMessage {
  const request = new Readable({ read: () => read(request) });
  return Object.assign(request, { complete: false, socket: new Socket() }) as unknown as IncomingMessage;
}

/** A request of so many pieces, of which each comes soon after it is asked for; and how many have been read. */
function refuse(pieces: number) {
  let left = pieces;
  let read = 0;
  const request = requestOf((stream) => setImmediate(() => stream.push(left-- > 0 ? piece : null)));
  refusedBodies.drop(request);
  request.on("data", () => read++);
  return { request, read: () => read };
}

/** Lets all come that is asked for. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await nextTurn();
}

/** Lets time pass, and what is due come about. */
async function pass(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 50) {
    nowMs += 50;
    vi.advanceTimersByTime(50);
    await settle();
  }
}

test("a second's budget is read at once, and no more", async () => {
  const { read } = refuse(20);
  await settle();
  expect(read()).toBe(4);
  await pass(1_000);
  expect(read()).toBe(8);
});

test("what has not been used for long is no more than a second's budget", async () => {
  nowMs += 3_600_000;
  const { read } = refuse(20);
  await settle();
  expect(read()).toBe(4);
});

test("what had arrived before is dropped and paid for, and then nothing more is asked for", async () => {
  let asked = 0;
  const request = requestOf(() => asked++);
  for (let count = 0; count < 5; count++) request.push(piece);
  refusedBodies.drop(request);
  expect([request.readableLength, asked]).toEqual([0, 1]);
  expect(request.isPaused()).toBe(true);
  // What comes first of another has been sent before it could be held back.
  const { read } = refuse(20);
  await pass(500);
  expect(read()).toBe(1);
  await pass(750);
  // The budget at the start and of 1,250 ms is nine pieces, of which the five before were paid.
  expect(read()).toBe(4);
});

test("those who wait take turns", async () => {
  const bodies = [refuse(20), refuse(20), refuse(20)];
  await pass(2_000);
  const pieces = bodies.map(({ read }) => read());
  // The budget at the start, 50 ms later than that, and what comes up in two seconds from then.
  expect(pieces.reduce((sum, count) => sum + count)).toBe(11);
  for (const count of pieces) expect(count).toBeGreaterThanOrEqual(3);
});

test("those that send nothing keep the budget from nobody", async () => {
  const silent = Array.from({ length: 100 }, () => requestOf(() => {}));
  for (const request of silent) refusedBodies.drop(request);
  const { read, request } = refuse(20);
  await pass(1_000);
  expect(read()).toBe(7);
  for (const each of silent) each.destroy();
  await pass(250);
  expect(read()).toBe(8);
  expect(request.socket.destroyed).toBe(false);
});

test("one that ends or goes is forgotten, and with the last the timer goes", async () => {
  const bodies = [refuse(5), refuse(20)];
  await settle();
  expect(vi.getTimerCount()).toBe(1);
  for (const { request } of bodies) request.destroy();
  await settle();
  expect(vi.getTimerCount()).toBe(0);
  const { request, read } = refuse(6);
  await pass(3_000);
  expect(read()).toBe(6);
  expect(request.readableEnded).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
});

test("past those who may wait the one that has been at it for the longest is cut off", async () => {
  const bodies = [refuse(20), refuse(20), refuse(20), refuse(20), refuse(20)];
  await settle();
  expect(bodies.map(({ request }) => request.socket.destroyed)).toEqual([true, true, false, false, false]);
});

test("what has arrived costs nothing, and is asked for only once", async () => {
  refuse(20);
  await settle();
  const arrived = requestOf(() => {});
  arrived.push(piece);
  arrived.push(null);
  arrived.complete = true;
  refusedBodies.drop(arrived);
  refusedBodies.drop(arrived);
  await settle();
  expect(arrived.readableEnded).toBe(true);
});
