import { expect, it } from "vitest";
import { integerPattern } from "./integer-pattern.ts";

it.each([
  [7, 7, "7"],
  [0, 9, "[0-9]"],
  [1, 100, "(?:[1-9]|[1-9][0-9]{1}|100)"],
])("writes the numbers from %d to %d", (least, most, pattern) => {
  expect(integerPattern(least, most)).toBe(pattern);
});

it.each([
  [0, 0],
  [1, 100],
  [15, 328],
  [99, 101],
  [1, 86_399],
  [909, 90_009],
])("matches the numbers from %d to %d, and no others", (least, most) => {
  const pattern = new RegExp(`^${integerPattern(least, most)}$`);
  const matched = Array.from({ length: 100_000 }, (_, number) => number).filter((number) => pattern.test(`${number}`));
  expect([matched[0], matched.at(-1), matched.length]).toEqual([least, most, most - least + 1]);
});
