/** A clock that a test sets, with what is scheduled on it. */
import type { Timers } from "../../src/domain/clock.ts";

export interface TestClock extends Timers {
  /** Lets time pass, and calls what is due by then, in the order of the calls' times. */
  advance(ms: number): void;
  /** How many calls are scheduled and not cancelled. */
  scheduled(): number;
}

export function createTestClock(startMs = 1_000): TestClock {
  const calls = new Set<{ readonly run: () => void; readonly dueAtMs: number }>();
  let nowMs = startMs;
  return {
    nowMs: () => nowMs,
    schedule(run, delayMs) {
      const call = { run, dueAtMs: nowMs + delayMs };
      calls.add(call);
      return () => calls.delete(call);
    },
    advance(ms) {
      const untilMs = nowMs + ms;
      for (;;) {
        const [next] = [...calls].filter(({ dueAtMs }) => dueAtMs <= untilMs).sort((a, b) => a.dueAtMs - b.dueAtMs);
        if (!next) break;
        calls.delete(next);
        nowMs = next.dueAtMs;
        next.run();
      }
      nowMs = untilMs;
    },
    scheduled: () => calls.size,
  };
}
