import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Deadline } from "../domain/deadline.ts";
import { createGate, type Gate } from "./semaphore.ts";

const overloaded = { failure: { reason: "OVERLOADED", retryDelayMs: 1_000 } };
const notAwaited = { failure: { reason: "DEADLINE_EXCEEDED", begun: false } };

beforeEach(() => void vi.useFakeTimers());

afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

/** Goes in and stays there until told to leave; `entered` is what has got in so far, in its order. */
function createVisitors(gate: Gate) {
  const entered: string[] = [];
  const visit = (name: string, { signal = new AbortController().signal, ...limits }: Partial<Deadline> = {}) => {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const work = () => {
      entered.push(name);
      return promise;
    };
    const outcome = gate.pass(work, { signal, begun: false, ...limits });
    // The test looks at it later.
    outcome.catch(() => {});
    return { outcome, leave: () => resolve(name), fail: reject };
  };
  return { entered, visit };
}

const settle = () => vi.advanceTimersByTimeAsync(0);

test("lets so many in, and the others in their order as places come free, also by who fails", async () => {
  const { entered, visit } = createVisitors(createGate(2));
  const [first, second, third, fourth] = ["first", "second", "third", "fourth"].map((name) => visit(name));
  await settle();
  expect(entered).toEqual(["first", "second"]);
  second?.fail(new Error("no such table"));
  await expect(second?.outcome).rejects.toThrow("no such table");
  await settle();
  expect(entered).toEqual(["first", "second", "third"]);
  for (const visitor of [first, third, fourth]) visitor?.leave();
  expect(await Promise.all([first?.outcome, third?.outcome, fourth?.outcome])).toEqual(["first", "third", "fourth"]);
  // All places are free again.
  const more = ["fifth", "sixth"].map((name) => visit(name));
  await settle();
  expect(entered.slice(4)).toEqual(["fifth", "sixth"]);
  for (const { leave } of more) leave();
});

describe("at a full gate", () => {
  /** With one place, which is taken. */
  async function fullGate() {
    const visitors = createVisitors(createGate(1));
    const inside = visitors.visit("inside");
    await settle();
    /** That the one place has not been lost. */
    const expectOneFreePlace = async () => {
      inside.leave();
      await inside.outcome;
      const [last, oneTooMany] = [visitors.visit("last"), visitors.visit("one too many")];
      await settle();
      expect(visitors.entered).toEqual(["inside", "last"]);
      for (const { leave } of [last, oneTooMany]) leave();
      await oneTooMany.outcome;
    };
    return { ...visitors, inside, expectOneFreePlace };
  }

  test("who waits too long is refused", async () => {
    const { visit, expectOneFreePlace } = await fullGate();
    const { outcome } = visit("patient");
    await vi.advanceTimersByTimeAsync(5_000);
    await expect(outcome).rejects.toMatchObject(overloaded);
    await expectOneFreePlace();
  });

  test("who is one too many to wait is refused at once", async () => {
    const { visit, inside } = await fullGate();
    const waiting = Array.from({ length: 10_000 }, () => visit("waiting"));
    await expect(visit("late").outcome).rejects.toMatchObject(overloaded);
    for (const { leave } of [inside, ...waiting]) leave();
    await Promise.all(waiting.map(({ outcome }) => outcome));
  });

  test("who gives up is dropped at once", async () => {
    const { visit, expectOneFreePlace } = await fullGate();
    const caller = new AbortController();
    const { outcome } = visit("gone", caller);
    caller.abort();
    await expect(outcome).rejects.toMatchObject(notAwaited);
    await expectOneFreePlace();
  });

  test("who gives up in the moment of being let in gives the place on", async () => {
    const { visit, inside, expectOneFreePlace } = await fullGate();
    const caller = new AbortController();
    const { outcome } = visit("gone", caller);
    inside.leave();
    await inside.outcome;
    caller.abort();
    await expect(outcome).rejects.toMatchObject(notAwaited);
    await expectOneFreePlace();
  });

  test("whose time is up is dropped when the turn comes, or before the wait", async () => {
    const { visit, expectOneFreePlace } = await fullGate();
    const { outcome } = visit("slow", { expiresAtMs: performance.now() + 1_000 });
    await vi.advanceTimersByTimeAsync(1_000);
    await expect(visit("too late", { expiresAtMs: performance.now() }).outcome).rejects.toMatchObject(notAwaited);
    await expect(visit("gone", { signal: AbortSignal.abort() }).outcome).rejects.toMatchObject(notAwaited);
    await expectOneFreePlace();
    await expect(outcome).rejects.toMatchObject(notAwaited);
  });
});
