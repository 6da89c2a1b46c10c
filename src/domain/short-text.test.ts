import { expect, test } from "vitest";
import { shortMessage, shortValue } from "./short-text.ts";

test.each([
  ["", ""],
  ["there is no concert 7", "there is no concert 7"],
  ["é".repeat(512), "é".repeat(512)],
  ["é".repeat(513), `${"é".repeat(510)}...`],
  ["x".repeat(2_000), `${"x".repeat(1_021)}...`],
  ["🎸".repeat(1_000), `${"🎸".repeat(255)}...`],
  ["\ud800", "\ufffd"],
  [`${"x".repeat(900)}\ud800`, `${"x".repeat(900)}\ufffd`],
])("a message of at most 1 KiB of valid Unicode: %.20s", (message, short) => {
  expect(shortMessage(message)).toBe(short);
  expect(Buffer.byteLength(shortMessage(message))).toBeLessThanOrEqual(1_024);
});

test("a value of at most 100 characters", () => {
  expect(shortValue("x".repeat(100))).toBe("x".repeat(100));
  expect(shortValue("x".repeat(101))).toBe(`${"x".repeat(100)}...`);
  expect(shortValue(`${"x".repeat(99)}🎸`)).toBe(`${"x".repeat(99)}\ufffd...`);
  expect(shortValue("half a pair: \ud83c")).toBe("half a pair: \ufffd");
});
