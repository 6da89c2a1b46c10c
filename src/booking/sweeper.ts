import { monotonicClock } from "../domain/clock.ts";
import { deadlineWithin, isOver } from "../domain/deadline.ts";
import type { ConcertId } from "../domain/ids.ts";
import type { Publish } from "../domain/publish.ts";
import { repeat } from "../domain/repeat.ts";
import { findConcertsWithDueHolds } from "../store/holds.ts";
import type { Store } from "../store/store.ts";
import type { BookingEngine } from "./engine.ts";
import type { BookingEvents } from "./events.ts";

const intervalMs = 1_000;
const timeoutMs = 10_000;
/** Concerts whose holds are being expired: more would take the turns of callers. */
const maxUnderWay = 16;

/**
 * Puts the tickets of holds that are due back on sale, until it is disposed of. Every batch expires the holds of its concert
 * first, so no decision depends on this: it is for concerts without other calls. Several processes that sweep do each other no
 * harm. A concert that is locked holds up no other.
 */
export function startSweeper(
  store: Pick<Store, "read">,
  engine: Pick<BookingEngine, "expireHolds">,
  publish: Publish<BookingEvents>,
): AsyncDisposable {
  const underWay = new Map<ConcertId, Promise<void>>();
  const onError = (error: unknown) => publish("booking.sweep_failed", { error });

  function expire(concertId: ConcertId, signal: AbortSignal): void {
    const expired = engine
      .expireHolds(concertId, deadlineWithin(timeoutMs, signal))
      .catch((error) => {
        if (!signal.aborted) onError(error);
      })
      .finally(() => underWay.delete(concertId));
    underWay.set(concertId, expired);
  }

  async function sweep(signal: AbortSignal): Promise<void> {
    const deadline = deadlineWithin(timeoutMs, signal);
    for (const concertId of await store.read((db) => findConcertsWithDueHolds(db, [...underWay.keys()]), deadline)) {
      while (underWay.size >= maxUnderWay) await Promise.race(underWay.values());
      if (isOver(deadline, monotonicClock)) return;
      expire(concertId, signal);
    }
  }

  const stack = new AsyncDisposableStack();
  stack.defer(async () => void (await Promise.all(underWay.values())));
  stack.use(repeat(sweep, intervalMs, onError));
  return stack;
}
