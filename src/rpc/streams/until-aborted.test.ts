import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Code, ConnectError } from "@connectrpc/connect";
import { expect, test, vi } from "vitest";
import { untilAborted } from "./until-aborted.ts";

async function* count() {
  for (let number = 1; ; number++) yield number;
}

async function* silent(): AsyncGenerator<number> {
  await new Promise(() => {});
}

test("an abort ends the wait for an item, with its reason if that is an error for clients", async () => {
  const reason = new ConnectError("enough", Code.Aborted);
  for (const [given, expected] of [
    [reason, reason],
    ["another reason", undefined],
  ]) {
    const controller = new AbortController();
    const onEnd = vi.fn();
    const next = untilAborted(silent(), controller.signal, onEnd).next();
    controller.abort(given);
    expect(await next.catch((error) => error)).toEqual(expected ?? { done: true, value: undefined });
    expect(onEnd).toHaveBeenCalledTimes(1);
  }
});

test("consumed items leave nothing in memory", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const used = () => {
    collect();
    return process.memoryUsage().heapUsed;
  };
  const items = untilAborted(count(), new AbortController().signal);
  const before = used();
  const rounds = 100_000;
  for (let round = 0; round < rounds; round++) await items.next();
  expect((used() - before) / rounds).toBeLessThan(50);
  await items.return(undefined);
});
