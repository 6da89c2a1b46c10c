/** A worker's view of the limits that the primary counts for the whole machine. */
import type { Publish } from "../domain/publish.ts";
import type { LimitEvents } from "../limits/events.ts";
import type { Allowance, RateLimits } from "../limits/rate-limit.ts";
import type { ConnectionLimit, Entry } from "../transport/listener/connection-limit.ts";
import type { WorkerEvents } from "./events.ts";
import type { PrimaryLink } from "./link-to-primary.ts";
import type { CountedCall } from "./messages.ts";

/** A primary that takes longer to count calls is treated as absent. It is longer than the delay of a busy machine. */
const countTimeoutMs = 2_000;
/** A connection waits longer, because it is refused without an answer. */
const entryTimeoutMs = 10_000;

/** Returns limits that the primary counts. While it does not answer, this process counts alone, by its own limits. */
export function shareRateLimits(
  own: RateLimits,
  primary: PrimaryLink,
  publish: Publish<LimitEvents & WorkerEvents>,
): RateLimits {
  interface Asked extends CountedCall {
    readonly answer: (allowance: Promise<Allowance | undefined>) => void;
  }
  const waiting = new Map<number, { readonly calls: readonly Asked[]; readonly timer: NodeJS.Timeout }>();
  let next: Asked[] = [];
  let lastId = 0;
  /** No message is sent meanwhile. The primary answers those that it has, and so shows that it is back. */
  let isAlone = false;

  const countAlone = ({ lane, keys, cost }: CountedCall) => own.count(lane, keys, cost);

  function goAlone(): void {
    isAlone = true;
    publish("workers.primary_late", { waitedMs: countTimeoutMs });
    for (const { calls, timer } of waiting.values()) {
      clearTimeout(timer);
      for (const call of calls) call.answer(countAlone(call));
    }
    waiting.clear();
  }

  /** All calls of a turn of the event loop are one message. */
  function send(): void {
    const calls = next;
    next = [];
    if (isAlone) {
      for (const call of calls) call.answer(countAlone(call));
      return;
    }
    const id = ++lastId;
    waiting.set(id, { calls, timer: afterAnswers(() => waiting.has(id) && goAlone(), countTimeoutMs) });
    void primary.send({ type: "count", id, calls: calls.map(({ lane, keys, cost }) => ({ lane, keys, cost })) });
  }

  primary.on("counted", ({ id, allowances }) => {
    isAlone = false;
    const asked = waiting.get(id);
    if (!asked) return;
    waiting.delete(id);
    clearTimeout(asked.timer);
    for (const [index, call] of asked.calls.entries()) {
      const allowance = allowances[index] ?? undefined;
      if (allowance?.isAllowed === false) publish("limits.rate_limited", { lane: call.lane, by: allowance.by });
      call.answer(Promise.resolve(allowance));
    }
  });

  return {
    isLimited: own.isLimited,
    count(lane, keys, cost = 1) {
      if (!keys.some(({ kind }) => own.isLimited(lane, kind))) return Promise.resolve(undefined);
      if (isAlone) return countAlone({ lane, keys, cost });
      if (next.length === 0) setImmediate(send);
      return new Promise((answer) => next.push({ lane, keys, cost, answer }));
    },
  };
}

/** Returns a limit that the primary counts. A connection whose entry it does not answer in time is refused. */
export function shareConnectionLimit(primary: PrimaryLink, publish: Publish<WorkerEvents>): ConnectionLimit {
  const waiting = new Map<number, { readonly answer: (entry: Entry) => void; readonly timer: NodeJS.Timeout }>();
  let lastId = 0;
  primary.on("entered", ({ id, isAllowed }) => {
    const asked = waiting.get(id);
    const leave = isAllowed ? () => void primary.send({ type: "leave", id }) : undefined;
    // Counted too late.
    if (!asked) return leave?.();
    waiting.delete(id);
    clearTimeout(asked.timer);
    asked.answer(leave);
  });
  return {
    enter: (address) =>
      new Promise((answer) => {
        const id = ++lastId;
        const giveUp = () => {
          if (!waiting.delete(id)) return;
          publish("workers.entry_unanswered", { waitedMs: entryTimeoutMs });
          answer(undefined);
        };
        waiting.set(id, { answer, timer: afterAnswers(giveUp, entryTimeoutMs) });
        void primary.send({ type: "enter", id, address });
      }),
  };
}

/** Runs a function after a delay, and after answers that have come while this process itself was too busy to read them. */
function afterAnswers(giveUp: () => unknown, delayMs: number): NodeJS.Timeout {
  return setTimeout(() => setImmediate(giveUp), delayMs);
}
