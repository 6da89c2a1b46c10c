import { afterEach, expect, test, vi } from "vitest";
import { FrontrowError } from "../src/index.ts";
import { settingsOf } from "../src/options.ts";
import { defaultRetry, waitMsAfter } from "../src/retry.ts";

afterEach(() => vi.restoreAllMocks());

test("the random wait is up to 100 ms, three times as long after each attempt, and 2 s at most", () => {
  const error = new FrontrowError({ code: "UNAVAILABLE", message: "" });
  const waits = () => [1, 2, 3, 4, 1_000].map((attempt) => waitMsAfter(attempt, error, defaultRetry));
  const random = vi.spyOn(Math, "random").mockReturnValue(1);
  expect(waits()).toEqual([100, 300, 900, 2_000, 2_000]);
  random.mockReturnValue(0);
  expect(waits()).toEqual([0, 0, 0, 0, 0]);
});

test("the service's delay comes before the random wait", () => {
  const error = new FrontrowError({ code: "UNAVAILABLE", message: "", retryDelayMs: 1_000 });
  vi.spyOn(Math, "random").mockReturnValue(0.5);
  expect(waitMsAfter(1, error, defaultRetry)).toBe(1_050);
});

test("a call takes 10 s at most and an attempt 4 s, by default", () => {
  const settings = settingsOf("http://localhost", {});
  expect(settings).toMatchObject({ timeoutMs: 10_000, attemptTimeoutMs: 4_000, retry: { maxAttempts: 4 } });
});
