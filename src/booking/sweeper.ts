import { deadlineWithin } from "../domain/deadline.ts";
import type { Publish } from "../domain/publish.ts";
import { repeat } from "../domain/repeat.ts";
import { findConcertsWithDueHolds } from "../store/holds.ts";
import type { Store } from "../store/store.ts";
import type { BookingEngine } from "./engine.ts";
import type { BookingEvents } from "./events.ts";

const intervalMs = 1_000;
const timeoutMs = 10_000;

/**
 * Puts the tickets of holds that are due back on sale, until it is disposed of. Every batch expires the holds of its concert
 * first, so no decision depends on this: it is for concerts without other calls. Several processes that sweep do each other no
 * harm.
 */
export function startSweeper(
  store: Pick<Store, "read">,
  engine: Pick<BookingEngine, "expireHolds">,
  publish: Publish<BookingEvents>,
): AsyncDisposable {
  const sweep = async (signal: AbortSignal) => {
    const deadline = deadlineWithin(timeoutMs, signal);
    const concertIds = await store.read(findConcertsWithDueHolds, deadline);
    await Promise.all(concertIds.map((concertId) => engine.expireHolds(concertId, deadline)));
  };
  return repeat(sweep, intervalMs, (error) => publish("booking.sweep_failed", { error }));
}
