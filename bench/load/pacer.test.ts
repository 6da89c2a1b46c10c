import { expect, test, vi } from "vitest";
import { createPacer } from "./pacer.ts";
import type { LoadSpec, Pace } from "./spec.ts";
import { createWarmUp, elapsedMs, isTimed, isWithin, type Window, windowOf } from "./window.ts";

const specOf = (pace: Pace, users: number): LoadSpec => ({
  transport: "http1",
  ports: [1],
  users,
  requests: [],
  path: "",
  keyOffsets: [],
  collectIds: false,
  pace,
});
const never = Number.POSITIVE_INFINITY;

test("a counted load sends so many requests a user", () => {
  const sent: number[] = [];
  const window = { fromMs: 0, untilMs: never };
  const pacer = createPacer(specOf({ kind: "count", requestsPerUser: 2 }, 2), window, (user) => sent.push(user));
  pacer.start(() => {});
  pacer.isIdle(0, 1);
  pacer.isIdle(0, 2);
  expect(pacer.isOver(2)).toBe(false);
  pacer.isIdle(1, 3);
  pacer.isIdle(1, 4);
  expect(sent).toEqual([0, 1, 0, 1]);
  expect(pacer.isOver(4)).toBe(true);
});

test("a closed load opens its window once all have been answered, and sends until that closes", () => {
  const sent: number[] = [];
  const spec = specOf({ kind: "closed", warmUpMs: 0, measureMs: 100 }, 2);
  const window: Window = { fromMs: never, untilMs: never };
  const warmUp = createWarmUp(spec, window);
  const pacer = createPacer(spec, window, (user) => sent.push(user));
  const nowMs = performance.now() + 50;
  pacer.start(() => {});
  warmUp(0, nowMs);
  warmUp(0, nowMs + 1);
  expect(window.fromMs).toBe(never);
  warmUp(1, nowMs + 2);
  expect(window).toEqual({ fromMs: nowMs + 2, untilMs: nowMs + 102 });
  pacer.isIdle(0, nowMs + 101);
  pacer.isIdle(1, nowMs + 102);
  pacer.isIdle(0, nowMs + 102);
  expect(sent).toEqual([0, 1, 0]);
  expect(pacer.isOver(nowMs + 102)).toBe(true);
});

test("at a fixed rate the latency of a request that waits for an idle user counts from when it was due", () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
  try {
    const sent: [user: number, dueAtMs: number][] = [];
    const pace: Pace = { kind: "open", warmUpMs: 0, measureMs: 40, ratePerSecond: 100 };
    const startMs = performance.now();
    const window = { fromMs: startMs, untilMs: startMs + 40 };
    const pacer = createPacer(specOf(pace, 1), window, (user, dueAtMs) => sent.push([user, dueAtMs - startMs]));
    pacer.start(() => {});
    vi.advanceTimersByTime(35);
    expect(sent).toEqual([[0, 0]]);
    pacer.isIdle(0, performance.now());
    pacer.isIdle(0, performance.now());
    pacer.isIdle(0, performance.now());
    expect(sent.map(([, dueAtMs]) => dueAtMs)).toEqual([0, 10, 20, 30]);
    expect(pacer.isOver(performance.now())).toBe(true);
    pacer.stop();
  } finally {
    vi.useRealTimers();
  }
});

test("a load that is more than can be answered opens its window once all have been answered", () => {
  const pace: Pace = { kind: "open", warmUpMs: 10, measureMs: 100, ratePerSecond: 1_000, whenBusy: "leave" };
  const window = windowOf(pace);
  const warmUp = createWarmUp(specOf(pace, 2), window);
  const nowMs = performance.now() + 20;
  warmUp(0, nowMs);
  expect(window).toEqual({ fromMs: never, untilMs: never });
  warmUp(1, nowMs + 1);
  expect(window).toEqual({ fromMs: nowMs + 1, untilMs: nowMs + 101 });
});

test("the latency of what is due in the window counts, however late it is answered", () => {
  const window = { fromMs: 100, untilMs: 200 };
  const open: Pace = { kind: "open", warmUpMs: 0, measureMs: 100, ratePerSecond: 1 };
  const closed: Pace = { kind: "closed", warmUpMs: 0, measureMs: 100 };
  expect(isTimed(window, open, 150, 900)).toBe(true);
  expect(isTimed(window, open, 99, 150)).toBe(false);
  expect(isTimed(window, closed, 150, 900)).toBe(false);
  expect(isTimed(window, closed, 99, 150)).toBe(true);
});

test("throughput is that of the window, however long the last answers take", () => {
  const window = { fromMs: 100, untilMs: 200 };
  expect([99, 100, 199, 200].map((atMs) => isWithin(window, atMs))).toEqual([false, true, true, false]);
  expect([elapsedMs(window, 900), elapsedMs({ ...window, untilMs: never }, 900)]).toEqual([100, 800]);
});
