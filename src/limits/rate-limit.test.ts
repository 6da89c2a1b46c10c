import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { recordEvents } from "../../test/support/unit/events.ts";
import { ignoreEvents } from "../domain/publish.ts";
import type { LimitEvents } from "./events.ts";
import type { LimitKey } from "./limit-key.ts";
import { createRateLimits } from "./rate-limit.ts";
import { connectRedis } from "./redis.ts";

const callersPerAddress = 20;

const limits = { reads: 5, bookings: 3, settlements: 4, admin: 2, callersPerAddress };
const alice: LimitKey = { kind: "caller", key: "alice" };
const bob: LimitKey = { kind: "caller", key: "bob" };
const windowMs = 60_000;

describe("in memory", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] }));
  afterEach(() => void vi.useRealTimers());

  test("count down to 0, then reject", async () => {
    const rates = createRateLimits(limits, undefined, ignoreEvents);
    const seen = [];
    for (let call = 0; call < 5; call++) seen.push(await rates.count("bookings", [alice]));
    const [limit, resetMs, by] = [limits.bookings, windowMs, "caller"];
    expect(seen).toEqual([
      { isAllowed: true, by, limit, remaining: 2, resetMs },
      { isAllowed: true, by, limit, remaining: 1, resetMs },
      { isAllowed: true, by, limit, remaining: 0, resetMs },
      { isAllowed: false, by, limit, remaining: 0, resetMs },
      { isAllowed: false, by, limit, remaining: 0, resetMs },
    ]);
  });

  test.each([
    ["another caller", "bookings", bob],
    ["another lane", "reads", alice],
    ["an address of the same name", "bookings", { kind: "address", key: "alice" }],
  ] as const)("%s has another limit", async (_name, lane, key) => {
    const rates = createRateLimits(limits, undefined, ignoreEvents);
    for (let call = 0; call < 5; call++) await rates.count("bookings", [alice]);
    expect(await rates.count("bookings", [alice])).toMatchObject({ isAllowed: false });
    expect(await rates.count(lane, [key])).toMatchObject({ isAllowed: true });
  });

  test.each(["reads", "bookings", "settlements", "admin"] as const)(
    "an address has %s for many callers",
    async (lane) => {
      const rates = createRateLimits(limits, undefined, ignoreEvents);
      const address: LimitKey = { kind: "address", key: "192.0.2.1" };
      const limit = limits[lane] * callersPerAddress;
      for (let remaining = limit - 1; remaining >= 0; remaining--) {
        expect(await rates.count(lane, [address])).toMatchObject({ isAllowed: true, limit, remaining });
      }
      expect(await rates.count(lane, [address])).toMatchObject({ isAllowed: false, limit, remaining: 0 });
    },
  );

  test("a call counts against each key until one rejects it, and the scarcest allowance is returned", async () => {
    const rates = createRateLimits({ ...limits, callersPerAddress: 2 }, undefined, ignoreEvents);
    const address: LimitKey = { kind: "address", key: "192.0.2.1" };
    const seen = [];
    for (const caller of [alice, alice, alice, alice, bob, bob]) {
      const allowance = await rates.count("bookings", [address, caller]);
      seen.push([allowance?.isAllowed, allowance?.by, allowance?.remaining]);
    }
    expect(seen).toEqual([
      [true, "caller", 2],
      [true, "caller", 1],
      [true, "caller", 0],
      [false, "caller", 0],
      [true, "address", 1],
      [true, "address", 0],
    ]);
    expect(await rates.count("bookings", [address, bob])).toMatchObject({ isAllowed: false, by: "address" });
    expect(await rates.count("bookings", [bob]), "the caller was not counted").toMatchObject({ remaining: 0 });
  });

  test("a costly call counts as many", async () => {
    const rates = createRateLimits(limits, undefined, ignoreEvents);
    expect(await rates.count("reads", [alice], 3)).toMatchObject({ isAllowed: true, limit: 5, remaining: 2 });
    expect(await rates.count("reads", [alice])).toMatchObject({ isAllowed: true, remaining: 1 });
  });

  test("a rejected costly call leaves what remains to plain ones", async () => {
    const rates = createRateLimits(limits, undefined, ignoreEvents);
    await rates.count("reads", [alice], 3);
    vi.advanceTimersByTime(20_000);
    for (let call = 0; call < 3; call++) {
      expect(await rates.count("reads", [alice], 3)).toEqual({
        isAllowed: false,
        by: "caller",
        limit: 5,
        remaining: 2,
        resetMs: 40_000,
      });
    }
    expect(await rates.count("reads", [alice])).toMatchObject({ isAllowed: true, remaining: 1 });
    expect(await rates.count("reads", [alice])).toMatchObject({ isAllowed: true, remaining: 0 });
    for (const cost of [3, 1]) {
      expect(await rates.count("reads", [alice], cost)).toMatchObject({ isAllowed: false, remaining: 0 });
    }
  });

  test("a call that costs more than the whole limit takes all of it", async () => {
    const rates = createRateLimits(limits, undefined, ignoreEvents);
    expect(await rates.count("reads", [alice], 20)).toMatchObject({ isAllowed: true, remaining: 0 });
    expect(await rates.count("reads", [alice])).toMatchObject({ isAllowed: false });
  });

  test("a limit resets a minute after its first call, whatever the number of later calls", async () => {
    const rates = createRateLimits(limits, undefined, ignoreEvents);
    await rates.count("bookings", [alice]);
    vi.advanceTimersByTime(40_000);
    for (let call = 0; call < 10; call++) await rates.count("bookings", [alice]);
    expect(await rates.count("bookings", [alice])).toMatchObject({ isAllowed: false, resetMs: 20_000 });
    vi.advanceTimersByTime(19_999);
    expect(await rates.count("bookings", [alice])).toMatchObject({ isAllowed: false, resetMs: 1 });
    vi.advanceTimersByTime(1);
    expect(await rates.count("bookings", [alice])).toMatchObject({ isAllowed: true, remaining: 2, resetMs: windowMs });
  });

  test("callers without recent calls use no memory", async () => {
    const rates = createRateLimits(limits, undefined, ignoreEvents);
    for (let caller = 0; caller < 1_000; caller++)
      await rates.count("reads", [{ kind: "caller", key: String(caller) }]);
    vi.advanceTimersByTime(windowMs);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("callers past the bound evict the least recent one, which starts anew", async () => {
    const rates = createRateLimits(limits, undefined, ignoreEvents, 2);
    const carol: LimitKey = { kind: "caller", key: "carol" };
    const seen = [];
    for (const who of [alice, bob, alice, carol, alice, bob, carol]) {
      seen.push(`${who.key} ${(await rates.count("reads", [who]))?.remaining}`);
    }
    expect(seen).toEqual(["alice 4", "bob 4", "alice 3", "carol 4", "alice 2", "bob 4", "carol 4"]);
    expect(vi.getTimerCount()).toBe(2);
  });

  test("0 means no limit, for its own lane only", async () => {
    const rates = createRateLimits({ ...limits, reads: 0 }, undefined, ignoreEvents);
    for (const key of [alice, { kind: "address", key: "192.0.2.1" }] as const) {
      expect(await rates.count("reads", [key])).toBeUndefined();
      expect(await rates.count("bookings", [key])).toMatchObject({ isAllowed: true });
    }
  });
});

test("a rejected call is published, with its lane and the kind of its limit", async () => {
  const events = recordEvents<LimitEvents>();
  const rates = createRateLimits({ ...limits, admin: 1 }, undefined, events.publish);
  await rates.count("admin", [alice]);
  expect(events.of("limits.rate_limited")).toEqual([]);
  await rates.count("admin", [alice]);
  expect(events.of("limits.rate_limited")).toEqual([{ lane: "admin", by: "caller" }]);
});

describe("without a reachable Redis", () => {
  /** Nothing listens there. */
  const nowhere = "redis://127.0.0.1:1";

  test("calls are counted in memory, and the failed connection is published", async () => {
    const events = recordEvents<LimitEvents>();
    const redis = connectRedis(nowhere, events.publish);
    onTestFinished(() => redis.disconnect());
    const rates = createRateLimits(limits, redis, events.publish);
    const seen = [];
    for (let call = 0; call < 6; call++) seen.push((await rates.count("reads", [alice]))?.remaining);
    expect(seen).toEqual([4, 3, 2, 1, 0, 0]);
    await vi.waitFor(() => expect(events.of("limits.redis_failed")[0]).toMatchObject({ code: "ECONNREFUSED" }));
  });
});
