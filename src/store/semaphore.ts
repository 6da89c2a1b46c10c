import { type Deadline, notAwaited, requireAwaited } from "../domain/deadline.ts";
import type { DomainError } from "../domain/failure.ts";
import { maxWaitingCallers, maxWaitMs, overloaded } from "./database.ts";

/** Lets so many in at once; the others wait in the order in which they came. */
export interface Gate {
  /**
   * Runs `work` inside. Without it having run, raises OVERLOADED for who is one too many to wait or has waited too long,
   * and DEADLINE_EXCEEDED for whom nobody awaits any more.
   */
  pass<Result>(work: () => Promise<Result>, deadline: Deadline): Promise<Result>;
}

/** A gate with so many places, and the pool's bounds for waiting. `refusal` makes the error of a wait that was too long. */
export function createGate(places: number, refusal: (waitedMs: number) => DomainError = () => overloaded()): Gate {
  const waiting = new Set<() => void>();
  let freePlaces = places;

  async function enter(deadline: Deadline): Promise<void> {
    requireAwaited(deadline);
    if (freePlaces === 0) return await waitForPlace(deadline);
    freePlaces--;
  }

  function waitForPlace({ signal }: Deadline): Promise<void> {
    if (waiting.size >= maxWaitingCallers) throw overloaded();
    return new Promise((resolve, reject) => {
      // At once, not when the promise is heard of: who has just given up must not be given a place.
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
    // The place goes from hand to hand, so that nobody who comes now overtakes.
    if (next) next();
    else freePlaces++;
  }

  return {
    async pass(work, deadline) {
      await enter(deadline);
      try {
        requireAwaited(deadline);
        return await work();
      } finally {
        leave();
      }
    },
  };
}
