import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createLagMeter, type LagMeter } from "./lag.ts";

/** The meter's period, and how late its timer may be without a word. */
const periodMs = 20;
const noiseMs = 10;

let nowMs: number;
let meter: LagMeter;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  nowMs = 1_000;
  meter = createLagMeter(() => nowMs);
});

afterEach(() => {
  meter.close();
  vi.useRealTimers();
});

/** Lets the meter's timer come, so late. */
function tick(lateMs = 0): void {
  nowMs += periodMs + lateMs;
  vi.advanceTimersByTime(periodMs);
}

test("there is none as long as the timer comes in time", () => {
  expect(meter.lagMs()).toBe(0);
  for (let count = 0; count < 10; count++) {
    tick();
    expect(meter.lagMs()).toBe(0);
  }
});

test("what a timer is late on a good day does not count, nor adds up", () => {
  for (let count = 0; count < 100; count++) {
    tick(noiseMs);
    expect(meter.lagMs()).toBe(0);
  }
});

test("is how late the timer came, until it comes again", () => {
  tick(300);
  expect(meter.lagMs()).toBe(300);
  nowMs += periodMs - 1;
  expect(meter.lagMs()).toBe(300);
  nowMs -= periodMs - 1;
  tick(50);
  expect(meter.lagMs()).toBe(50);
  tick();
  expect(meter.lagMs()).toBe(0);
});

test("is seen before the timer has come: whoever is read first after a standstill knows of it", () => {
  tick();
  nowMs += periodMs + 400;
  expect(meter.lagMs()).toBe(400);
});

test("grows while the timer does not come", () => {
  tick(100);
  nowMs += periodMs + 90;
  expect(meter.lagMs()).toBe(100);
  nowMs += 50;
  expect(meter.lagMs()).toBe(140);
});

test("leaves no timer behind", () => {
  expect(vi.getTimerCount()).toBe(1);
  meter.close();
  expect(vi.getTimerCount()).toBe(0);
});
