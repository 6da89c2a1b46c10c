import { monotonicClock, type Timers } from "../domain/clock.ts";
import { type Deadline, notAwaited, requireAwaited } from "../domain/deadline.ts";
import type { DomainError } from "../domain/failure.ts";

/** When this many callers wait for a connection, the next one is refused at once. */
export const maxWaitingCallers = 10_000;
/** A caller that has waited this long for a connection is refused. */
export const maxWaitMs = 5_000;

/** Bounds how many callers work at once. The others wait, first come first served. */
export interface Semaphore {
  /**
   * Runs `work` in a place. Rejects with the refusal when the wait list is full or the wait exceeds its limit, and with
   * DEADLINE_EXCEEDED when the caller's deadline passes while it waits.
   */
  run<Result>(work: () => Promise<Result>, deadline: Deadline): Promise<Result>;
}

/** `refusal` makes the error of a wait of so many milliseconds, 0 when the wait list is full. */
export function createSemaphore(
  places: number,
  refusal: (waitMs: number) => DomainError,
  timers: Timers = monotonicClock,
): Semaphore {
  const waiting = new Set<() => void>();
  let freePlaces = places;

  async function enter(deadline: Deadline): Promise<void> {
    requireAwaited(deadline, timers);
    if (freePlaces === 0) return await waitForPlace(deadline);
    freePlaces--;
  }

  function waitForPlace({ signal }: Deadline): Promise<void> {
    if (waiting.size >= maxWaitingCallers) throw refusal(0);
    return new Promise((resolve, reject) => {
      // Leaves the list in this turn, not in the promise's: a caller that has given up must not get a place.
      const stopWaiting = (error?: DomainError) => {
        waiting.delete(stopWaiting);
        cancelTimer();
        signal.removeEventListener("abort", giveUp);
        if (error) reject(error);
        else resolve();
      };
      const giveUp = () => stopWaiting(notAwaited());
      const cancelTimer = timers.schedule(() => stopWaiting(refusal(maxWaitMs)), maxWaitMs);
      signal.addEventListener("abort", giveUp);
      waiting.add(stopWaiting);
    });
  }

  function leave(): void {
    const [next] = waiting;
    // The place passes to the next caller directly, so that no later caller overtakes it.
    if (next) next();
    else freePlaces++;
  }

  return {
    async run(work, deadline) {
      await enter(deadline);
      try {
        requireAwaited(deadline, timers);
        return await work();
      } finally {
        leave();
      }
    },
  };
}
