import { afterEach, expect, test, vi } from "vitest";
import { backOffMs } from "./retry.ts";

afterEach(() => vi.restoreAllMocks());

test("the longest delay before a retry doubles from 20 ms up to a second", () => {
  vi.spyOn(Math, "random").mockReturnValue(1);
  expect([0, 1, 5, 6, 19].map(backOffMs)).toEqual([20, 40, 640, 1_000, 1_000]);
});
