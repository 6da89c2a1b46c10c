import { setImmediate as turn } from "node:timers/promises";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createLagMeter, type LagMeter } from "./event-loop-delay.ts";

let nowMs: number;
/** How often the meter has looked at the clock. */
let clockReads: number;
let meter: LagMeter;

beforeEach(() => {
  nowMs = 1_000;
  clockReads = 0;
  meter = createLagMeter(() => {
    clockReads++;
    return nowMs;
  });
});
afterEach(() => meter.close());

/** Lets the message that is under way arrive, and those after it that arrive at once. */
async function deliver(): Promise<void> {
  for (let count = 0; count < 5; count++) await turn();
}

test("there is none while messages arrive at once, or as late as on a good day", async () => {
  expect(meter.lagMs()).toBe(0);
  nowMs += 10;
  await deliver();
  expect(meter.lagMs()).toBe(0);
});

test("it is how long the message has been under way, and then that of the next", async () => {
  nowMs += 300;
  expect(meter.lagMs()).toBe(300);
  nowMs += 100;
  expect(meter.lagMs()).toBe(400);
  // The next one goes out at once, without a timer, and arrives at once.
  await deliver();
  expect(meter.lagMs()).toBe(0);
});

test("once all is well a message goes out now and then", async () => {
  await deliver();
  const before = clockReads;
  await vi.waitFor(() => expect(clockReads).toBeGreaterThan(before));
});

test("a closed meter measures no more", async () => {
  meter.close();
  nowMs += 1_000;
  await deliver();
  expect(() => meter.close()).not.toThrow();
});
