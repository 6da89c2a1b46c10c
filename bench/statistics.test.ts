import { expect, test } from "vitest";
import { figureOf, median, percentile } from "./statistics.ts";

test("a percentile is the value at its rank", () => {
  const hundred = Array.from({ length: 100 }, (_, index) => index + 1);
  expect([0, 0.5, 0.9, 0.99, 1].map((share) => percentile(hundred, share))).toEqual([1, 50, 90, 99, 100]);
  expect(percentile([7], 0.99)).toBe(7);
  expect(percentile([1, 2, 3], 0.5)).toBe(2);
  expect(percentile([], 0.5)).toBeNaN();
});

test("a median is the middle value, or between the middle two", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([10, 1, 2, 3])).toBe(2.5);
  expect(median([])).toBeNaN();
});

test("a figure has its spread", () => {
  expect(figureOf([3, 1, 2])).toEqual({ median: 2, lowest: 1, highest: 3 });
  expect(figureOf([])).toBeUndefined();
});
