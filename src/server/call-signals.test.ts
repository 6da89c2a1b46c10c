import { expect, test } from "vitest";
import { createCallSignals } from "./call-signals.ts";

test("a call's signal aborts with its request's, for the same reason, and with no other's", () => {
  const signalOf = createCallSignals(new AbortController().signal);
  const [one, other] = [new AbortController(), new AbortController()];
  const [signal, untouched] = [signalOf(one.signal), signalOf(other.signal)];
  one.abort(new Error("gone"));
  expect(signal.reason).toEqual(new Error("gone"));
  expect(untouched.aborted).toBe(false);
});

test("the shutdown aborts the calls under way and those that still come, but not those that have ended", () => {
  const shutdown = new AbortController();
  const signalOf = createCallSignals(shutdown.signal);
  const ended = new AbortController();
  const early = signalOf(ended.signal);
  ended.abort("answered");
  const underWay = signalOf(new AbortController().signal);
  shutdown.abort("over");
  const late = signalOf(new AbortController().signal);
  expect([early.reason, underWay.reason, late.reason]).toEqual(["answered", "over", "over"]);
});

test("a request that has ended before it began has no call under way", () => {
  expect(createCallSignals(new AbortController().signal)(AbortSignal.abort("gone")).reason).toBe("gone");
});
