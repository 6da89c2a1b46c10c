import { expect, test } from "vitest";
import { divideCores, parseCores } from "./cores.ts";

test("a list of cores has ranges and single ones", () => {
  expect(parseCores(" 0-2,5,8-9\n")).toEqual([0, 1, 2, 5, 8, 9]);
});

test("the generator has a quarter of the cores, and none for itself where there are few", () => {
  expect(divideCores([0, 1, 2])).toBeUndefined();
  expect(divideCores([0, 1, 4, 5])).toEqual({ generator: [5], rest: [0, 1, 4] });
  expect(divideCores(parseCores("0-7"))).toEqual({ generator: [6, 7], rest: [0, 1, 2, 3, 4, 5] });
});
