import { expect, test } from "vitest";
import { createTurnTimes } from "./wait-estimate.ts";

test("nobody is turned away before a few turns have shown how long they take", () => {
  const times = createTurnTimes();
  for (let turn = 0; turn < 7; turn++) times.note(100);
  expect(times.atLeastMs(3)).toBe(0);
  times.note(100);
  expect(times.atLeastMs(3)).toBe(300);
});

test("the fastest of the last eight turns counts, so that a slow one does not", () => {
  const times = createTurnTimes();
  for (const durationMs of [1, 90, 40, 3_000, 60, 50, 70, 80, 90]) times.note(durationMs);
  expect(times.atLeastMs(2)).toBe(80);
  expect(times.atLeastMs(0)).toBe(0);
});
