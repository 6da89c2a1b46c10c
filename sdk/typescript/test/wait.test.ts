/** The waits of a call: before its next attempt, and for a token. */
import { expect, test } from "vitest";
import { delay, within } from "../src/wait.ts";

test.each<[string, (signal: AbortSignal) => Promise<unknown>]>([
  ["before an attempt", (signal) => delay(60_000, signal)],
  ["for a token", (signal) => within(60_000, new Promise(() => {}), signal, "the token source")],
])("a wait %s that is cancelled rejects with the signal's reason", async (_, wait) => {
  const controller = new AbortController();
  const rejected = expect(wait(controller.signal)).rejects.toThrow("the customer left");
  controller.abort(new Error("the customer left"));
  await rejected;
});
