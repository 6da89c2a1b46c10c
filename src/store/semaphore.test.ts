import { afterEach, describe, expect, test } from "vitest";
import { createTestClock } from "../../test/support/clock.ts";
import type { Deadline } from "../domain/deadline.ts";
import { DomainError, retryDelayMs } from "../domain/failure.ts";
import { createSemaphore } from "./semaphore.ts";

const overloaded = { failure: { reason: "OVERLOADED" } };
const notAwaited = { failure: { reason: "DEADLINE_EXCEEDED", begun: false } };

const clock = createTestClock();
const refusedWaits: number[] = [];

afterEach(() => {
  expect(clock.scheduled()).toBe(0);
  refusedWaits.length = 0;
});

/** Callers of a semaphore that stay in their places until the test ends their work. */
function createCallers(places: number) {
  const semaphore = createSemaphore(
    places,
    (waitMs) => {
      refusedWaits.push(waitMs);
      return new DomainError({ reason: "OVERLOADED", retryDelayMs });
    },
    clock,
  );
  /** The callers that have got a place, in their order. */
  const entered: string[] = [];
  const call = (name: string, deadline: Partial<Deadline> = {}) => {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const work = () => {
      entered.push(name);
      return promise;
    };
    const { signal = new AbortController().signal, expiresAtMs = Number.POSITIVE_INFINITY } = deadline;
    const outcome = semaphore.run(work, { signal, expiresAtMs });
    // The test awaits it later.
    outcome.catch(() => {});
    return { outcome, end: () => resolve(name), fail: reject };
  };
  return { entered, call };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

test("admits as many callers as it has places, and the others in their order, also after one fails", async () => {
  const { entered, call } = createCallers(2);
  const [first, second, third, fourth] = ["first", "second", "third", "fourth"].map((name) => call(name));
  await settle();
  expect(entered).toEqual(["first", "second"]);
  second?.fail(new Error("no such table"));
  await expect(second?.outcome).rejects.toThrow("no such table");
  await settle();
  expect(entered).toEqual(["first", "second", "third"]);
  for (const caller of [first, third, fourth]) caller?.end();
  expect(await Promise.all([first?.outcome, third?.outcome, fourth?.outcome])).toEqual(["first", "third", "fourth"]);
  // All places are free again.
  const more = ["fifth", "sixth"].map((name) => call(name));
  await settle();
  expect(entered.slice(4)).toEqual(["fifth", "sixth"]);
  for (const { end } of more) end();
});

describe("without a free place", () => {
  /** A semaphore with one place, which is taken. */
  async function fullSemaphore() {
    const callers = createCallers(1);
    const inside = callers.call("inside");
    await settle();
    const expectOneFreePlace = async () => {
      inside.end();
      await inside.outcome;
      const [last, oneTooMany] = [callers.call("last"), callers.call("one too many")];
      await settle();
      expect(callers.entered).toEqual(["inside", "last"]);
      for (const { end } of [last, oneTooMany]) end();
      await oneTooMany.outcome;
    };
    return { ...callers, inside, expectOneFreePlace };
  }

  test("refuses a caller that has waited 5 seconds", async () => {
    const { call, expectOneFreePlace } = await fullSemaphore();
    const { outcome } = call("patient");
    clock.advance(5_000);
    await expect(outcome).rejects.toMatchObject(overloaded);
    expect(refusedWaits).toEqual([5_000]);
    await expectOneFreePlace();
  });

  test("refuses at once a caller behind 10,000 others", async () => {
    const { call, inside } = await fullSemaphore();
    const waiting = Array.from({ length: 10_000 }, () => call("waiting"));
    await expect(call("late").outcome).rejects.toMatchObject(overloaded);
    expect(refusedWaits).toEqual([0]);
    for (const { end } of [inside, ...waiting]) end();
    await Promise.all(waiting.map(({ outcome }) => outcome));
  });

  test("drops at once a caller that gives up", async () => {
    const { call, expectOneFreePlace } = await fullSemaphore();
    const caller = new AbortController();
    const { outcome } = call("gone", caller);
    caller.abort();
    await expect(outcome).rejects.toMatchObject(notAwaited);
    await expectOneFreePlace();
  });

  test("passes on the place of a caller that gives up while it gets it", async () => {
    const { call, inside, expectOneFreePlace } = await fullSemaphore();
    const caller = new AbortController();
    const { outcome } = call("gone", caller);
    inside.end();
    await inside.outcome;
    caller.abort();
    await expect(outcome).rejects.toMatchObject(notAwaited);
    await expectOneFreePlace();
  });

  test("drops a caller whose deadline has passed, before the wait or when its turn comes", async () => {
    const { call, expectOneFreePlace } = await fullSemaphore();
    const { outcome } = call("slow", { expiresAtMs: clock.nowMs() + 1_000 });
    clock.advance(1_000);
    await expect(call("too late", { expiresAtMs: clock.nowMs() }).outcome).rejects.toMatchObject(notAwaited);
    await expect(call("gone", { signal: AbortSignal.abort() }).outcome).rejects.toMatchObject(notAwaited);
    await expectOneFreePlace();
    await expect(outcome).rejects.toMatchObject(notAwaited);
  });
});
