import { expect, test } from "vitest";
import { createRestarts } from "./restarts.ts";

test("each failure in a row doubles the delay, until replacing is given up", () => {
  const restarts = createRestarts();
  const delays = Array.from({ length: 6 }, () => restarts.delayAfter(1, 20));
  expect(delays).toEqual([100, 200, 400, 800, 1_600, undefined]);
});

test("a worker that has served for a while begins the count anew", () => {
  const restarts = createRestarts();
  for (let failure = 0; failure < 5; failure++) restarts.delayAfter(1, 9_999);
  expect(restarts.delayAfter(1, 10_000)).toBe(100);
  const delays = Array.from({ length: 6 }, () => restarts.delayAfter(1, 0));
  expect(delays).toEqual([100, 200, 400, 800, 1_600, undefined]);
});

test("many workers that end at once are all replaced after the first delay", () => {
  const restarts = createRestarts();
  const delays = Array.from({ length: 64 }, (_, index) => restarts.delayAfter(index + 1, 20));
  expect(delays).toEqual(Array(64).fill(100));
});
