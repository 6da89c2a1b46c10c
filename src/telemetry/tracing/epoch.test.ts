import { afterEach, expect, test, vi } from "vitest";
import { epochMs } from "./epoch.ts";

afterEach(() => void vi.useRealTimers());

test("instants keep their order and distance while the clock of the machine drifts a little", () => {
  const nowMs = performance.now();
  const before = epochMs(nowMs);
  vi.useFakeTimers({ toFake: ["Date"], now: before + performance.now() - nowMs + 20 });
  expect(epochMs(nowMs + 1) - before).toBeCloseTo(1, 3);
});

test("instants follow the clock of the machine when it is set", () => {
  const hourMs = 3_600_000;
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + hourMs });
  const setMs = epochMs(performance.now());
  expect(Math.abs(setMs - Date.now())).toBeLessThan(1_000);
});
