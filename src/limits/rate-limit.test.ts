import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { type Budget, type Counted, createRateLimits } from "./rate-limit.ts";
import { connectRedis } from "./redis.ts";

const callersPerAddress = 20;

const limits = { reads: 5, bookings: 3, admin: 2, callersPerAddress };
const alice: Counted = { kind: "caller", key: "alice" };
const bob: Counted = { kind: "caller", key: "bob" };
const windowMs = 60_000;

const unexpected = (error: unknown) => {
  throw error;
};

describe("in memory", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] }));
  afterEach(() => void vi.useRealTimers());

  test("count down to nothing, then refuse", async () => {
    const rates = createRateLimits(limits, undefined, unexpected);
    const seen = [];
    for (let call = 0; call < 5; call++) seen.push(await rates.count("bookings", alice));
    const [limit, resetMs] = [limits.bookings, windowMs];
    expect(seen).toEqual([
      { isAllowed: true, limit, remaining: 2, resetMs },
      { isAllowed: true, limit, remaining: 1, resetMs },
      { isAllowed: true, limit, remaining: 0, resetMs },
      { isAllowed: false, limit, remaining: 0, resetMs },
      { isAllowed: false, limit, remaining: 0, resetMs },
    ]);
  });

  test.each([
    ["another caller", "bookings", bob],
    ["another budget", "reads", alice],
    ["an address of the same name", "bookings", { kind: "address", key: "alice" }],
  ] as const)("%s has a budget of its own", async (_who, budget, counted) => {
    const rates = createRateLimits(limits, undefined, unexpected);
    for (let call = 0; call < 5; call++) await rates.count("bookings", alice);
    expect(await rates.count("bookings", alice)).toMatchObject({ isAllowed: false });
    expect(await rates.count(budget, counted)).toMatchObject({ isAllowed: true });
  });

  test.each(["reads", "bookings", "admin"] as const)("an address has %s for many callers", async (budget) => {
    const rates = createRateLimits(limits, undefined, unexpected);
    const address: Counted = { kind: "address", key: "192.0.2.1" };
    const limit = limits[budget] * callersPerAddress;
    for (let remaining = limit - 1; remaining >= 0; remaining--) {
      expect(await rates.count(budget, address)).toMatchObject({ isAllowed: true, limit, remaining });
    }
    expect(await rates.count(budget, address)).toMatchObject({ isAllowed: false, limit, remaining: 0 });
  });

  test("a costly call counts for many", async () => {
    const rates = createRateLimits(limits, undefined, unexpected);
    expect(await rates.count("reads", alice, 3)).toMatchObject({ isAllowed: true, limit: 5, remaining: 2 });
    expect(await rates.count("reads", alice)).toMatchObject({ isAllowed: true, remaining: 1 });
  });

  test("a costly call that is refused leaves what was left to plain ones", async () => {
    const rates = createRateLimits(limits, undefined, unexpected);
    await rates.count("reads", alice, 3);
    vi.advanceTimersByTime(20_000);
    for (let call = 0; call < 3; call++) {
      expect(await rates.count("reads", alice, 3)).toEqual({
        isAllowed: false,
        limit: 5,
        remaining: 2,
        resetMs: 40_000,
      });
    }
    expect(await rates.count("reads", alice)).toMatchObject({ isAllowed: true, remaining: 1 });
    expect(await rates.count("reads", alice)).toMatchObject({ isAllowed: true, remaining: 0 });
    for (const cost of [3, 1]) {
      expect(await rates.count("reads", alice, cost)).toMatchObject({ isAllowed: false, remaining: 0 });
    }
  });

  test("a call that costs more than a whole budget takes all of it", async () => {
    const rates = createRateLimits(limits, undefined, unexpected);
    expect(await rates.count("reads", alice, 20)).toMatchObject({ isAllowed: true, remaining: 0 });
    expect(await rates.count("reads", alice)).toMatchObject({ isAllowed: false });
  });

  test("a budget is whole again a minute after its first call, however many came after", async () => {
    const rates = createRateLimits(limits, undefined, unexpected);
    await rates.count("bookings", alice);
    vi.advanceTimersByTime(40_000);
    for (let call = 0; call < 10; call++) await rates.count("bookings", alice);
    expect(await rates.count("bookings", alice)).toMatchObject({ isAllowed: false, resetMs: 20_000 });
    vi.advanceTimersByTime(19_999);
    expect(await rates.count("bookings", alice)).toMatchObject({ isAllowed: false, resetMs: 1 });
    vi.advanceTimersByTime(1);
    expect(await rates.count("bookings", alice)).toMatchObject({ isAllowed: true, remaining: 2, resetMs: windowMs });
  });

  test("callers who are gone are forgotten", async () => {
    const rates = createRateLimits(limits, undefined, unexpected);
    for (let caller = 0; caller < 1_000; caller++) await rates.count("reads", { kind: "caller", key: String(caller) });
    vi.advanceTimersByTime(windowMs);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("callers past the bound push out who has not called for the longest, and that one begins anew", async () => {
    const rates = createRateLimits(limits, undefined, unexpected, { maxCounted: 2 });
    const carol: Counted = { kind: "caller", key: "carol" };
    const seen = [];
    for (const who of [alice, bob, alice, carol, alice, bob, carol]) {
      seen.push(`${who.key} ${(await rates.count("reads", who))?.remaining}`);
    }
    expect(seen).toEqual(["alice 4", "bob 4", "alice 3", "carol 4", "alice 2", "bob 4", "carol 4"]);
    expect(vi.getTimerCount()).toBe(2);
  });

  test("0 is no limit, and only for its own budget", async () => {
    const rates = createRateLimits({ ...limits, reads: 0 }, undefined, unexpected);
    for (const counted of [alice, { kind: "address", key: "192.0.2.1" }] as const) {
      expect(await rates.count("reads", counted)).toBeUndefined();
      expect(await rates.count("bookings", counted)).toMatchObject({ isAllowed: true });
    }
  });
});

describe("with a Redis that is not there", () => {
  /** Nobody may listen there. */
  const nowhere = "redis://127.0.0.1:1";

  test("count in memory, and ask for it now and then only", async () => {
    const redis = connectRedis(nowhere, () => {});
    onTestFinished(() => redis.disconnect());
    const report = vi.fn();
    let nowMs = 0;
    const rates = createRateLimits(limits, redis, report, { clockMs: () => nowMs });
    const countAll = async (budget: Budget, times: number) => {
      const seen = [];
      for (let call = 0; call < times; call++) seen.push((await rates.count(budget, alice))?.remaining);
      return seen;
    };

    expect(await countAll("reads", 4)).toEqual([4, 3, 2, 1]);
    expect(report).toHaveBeenCalledOnce();
    nowMs = 1_999;
    expect(await countAll("reads", 1)).toEqual([0]);
    expect(report).toHaveBeenCalledOnce();
    nowMs = 2_000;
    expect(await rates.count("reads", alice)).toMatchObject({ isAllowed: false, limit: 5, remaining: 0 });
    expect(report).toHaveBeenCalledTimes(2);
  });
});
