import { expect, it } from "vitest";
import { createRepeats } from "./repeats.ts";

it("lets one warning of a kind through in an interval, and counts the ones it drops", () => {
  let nowMs = 0;
  const repeats = createRepeats(1_000, () => nowMs);
  expect([repeats.next("a"), repeats.next("a"), repeats.next("a"), repeats.next("b")]).toEqual([
    0,
    undefined,
    undefined,
    0,
  ]);
  nowMs = 1_000;
  expect([repeats.next("a"), repeats.next("a"), repeats.next("b")]).toEqual([2, undefined, 0]);
});
