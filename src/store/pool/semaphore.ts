import { type Deadline, notAwaited, requireAwaited } from "../../domain/deadline.ts";
import type { DomainError } from "../../domain/failure.ts";

/** When this many callers wait for a connection, the next one is refused at once. */
export const maxWaitingCallers = 10_000;
/** A caller that has waited this long for a connection is refused. */
export const maxWaitMs = 5_000;

/**
 * Bounds how many callers work at once. The others wait, first come first served. `refusal` makes the error of a wait of so
 * many milliseconds, 0 when the wait list is full.
 */
export function createSemaphore(places: number, refusal: (waitMs: number) => DomainError) {
  const waiting = new Set<() => void>();
  let freePlaces = places;

  function waitForPlace({ signal }: Deadline): Promise<void> {
    if (waiting.size >= maxWaitingCallers) throw refusal(0);
    return new Promise((resolve, reject) => {
      // Leaves the list in this turn, not in the promise's: a caller that has given up must not get a place.
      const stopWaiting = (error?: DomainError) => {
        waiting.delete(stopWaiting);
        clearTimeout(timer);
        signal.removeEventListener("abort", giveUp);
        if (error) reject(error);
        else resolve();
      };
      const giveUp = () => stopWaiting(notAwaited());
      const timer = setTimeout(() => stopWaiting(refusal(maxWaitMs)), maxWaitMs);
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
    /**
     * Runs `work` in a place. Rejects with the refusal when the wait list is full or the wait exceeds its limit, and with
     * DEADLINE_EXCEEDED when the caller's deadline passes while it waits.
     */
    async run<Result>(work: () => Promise<Result>, deadline: Deadline): Promise<Result> {
      requireAwaited(deadline);
      if (freePlaces > 0) freePlaces--;
      else await waitForPlace(deadline);
      try {
        requireAwaited(deadline);
        return await work();
      } finally {
        leave();
      }
    },
  };
}
