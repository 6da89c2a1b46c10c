import { setImmediate as turn } from "node:timers/promises";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type EventLoopDelay, measureEventLoopDelay } from "./event-loop-delay.ts";

let nowMs: number;
/** How often the meter has read the clock. */
let clockReads: number;
let meter: EventLoopDelay;

beforeEach(() => {
  nowMs = 1_000;
  clockReads = 0;
  meter = measureEventLoopDelay(() => {
    clockReads++;
    return nowMs;
  });
});
afterEach(() => meter[Symbol.dispose]());

/** Lets the message in transit arrive, and those that follow at once. */
async function deliver(): Promise<void> {
  for (let count = 0; count < 5; count++) await turn();
}

test("the delay is 0 while messages arrive at once, or as late as in an idle process", async () => {
  expect(meter.currentMs()).toBe(0);
  nowMs += 10;
  await deliver();
  expect(meter.currentMs()).toBe(0);
});

test("the delay is the age of the message in transit, then that of the next", async () => {
  nowMs += 300;
  expect(meter.currentMs()).toBe(300);
  nowMs += 100;
  expect(meter.currentMs()).toBe(400);
  // The next one is sent at once, without a timer, and arrives at once.
  await deliver();
  expect(meter.currentMs()).toBe(0);
});

test("while the delay is 0, messages are sent with a pause", async () => {
  await deliver();
  const before = clockReads;
  await vi.waitFor(() => expect(clockReads).toBeGreaterThan(before));
});

test("a disposed meter stops measuring", async () => {
  meter[Symbol.dispose]();
  nowMs += 1_000;
  await deliver();
  expect(() => meter[Symbol.dispose]()).not.toThrow();
});
