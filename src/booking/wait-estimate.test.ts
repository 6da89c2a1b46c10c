import { expect, test } from "vitest";
import { createWaitEstimate } from "./wait-estimate.ts";

test("estimates no wait before eight turns have ended", () => {
  const estimate = createWaitEstimate();
  for (let turn = 0; turn < 7; turn++) estimate.noteTurn(100);
  expect(estimate.leastMs(3)).toBe(0);
  estimate.noteTurn(100);
  expect(estimate.leastMs(3)).toBe(300);
});

test("estimates by the fastest of the last eight turns", () => {
  const estimate = createWaitEstimate();
  for (const durationMs of [1, 90, 40, 3_000, 60, 50, 70, 80, 90]) estimate.noteTurn(durationMs);
  expect(estimate.leastMs(2)).toBe(80);
  expect(estimate.leastMs(0)).toBe(0);
});
