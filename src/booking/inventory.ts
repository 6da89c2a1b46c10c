import { type Deadline, deadlineWithin } from "../domain/deadline.ts";
import { type ConcertId, concertIdOf } from "../domain/ids.ts";
import type { Publish } from "../domain/publish.ts";
import { repeat } from "../domain/repeat.ts";
import {
  compareInventory,
  countHolds,
  findConcertBelow,
  type InventoryBounds,
  type InventoryStretch,
} from "../store/inventory.ts";
import type { Store } from "../store/store.ts";
import type { BookingEvents, LeftOut } from "./events.ts";

/** How often to read, and how much at a time: a read connection of a small pool is taken for the time of a statement. */
export interface InventoryPace extends InventoryBounds {
  readonly intervalMs: number;
}

const usualPace: InventoryPace = { intervalMs: 10_000, maxConcerts: 200, maxBookings: 100_000 };
const timeoutMs = 10_000;
/** Mismatched concerts that are remembered, counted and published. */
const maxMismatched = 10_000;
/** Above all concerts. */
const top = concertIdOf(2n ** 63n - 1n);

/**
 * Compares the counters of concerts with their bookings until it is disposed of: stretch by stretch, from the newest concert down
 * and then again, since those on sale are among the newest and a process may be restarted at any time. It corrects nothing.
 * Beside that it counts the holds of all concerts. Several processes may do it at the same time.
 */
export function startInventoryCheck(
  store: Pick<Store, "search">,
  publish: Publish<BookingEvents>,
  { intervalMs, ...usualBounds }: InventoryPace = usualPace,
): AsyncDisposable {
  const mismatched = new Set<ConcertId>();
  let below = top;
  let { maxConcerts } = usualBounds;
  let leftOut: LeftOut = { tooLarge: 0, unread: 0 };

  /** A stretch that fails is repeated with one concert, which is skipped if that fails as well. Then stretches grow again. */
  async function nextStretch(deadline: () => Deadline): Promise<InventoryStretch> {
    const bounds = { ...usualBounds, maxConcerts };
    try {
      const stretch = await store.search((db) => compareInventory(db, below, bounds), deadline());
      maxConcerts = Math.min(maxConcerts * 2, usualBounds.maxConcerts);
      if (stretch.mismatched === undefined) leftOut = { ...leftOut, tooLarge: leftOut.tooLarge + 1 };
      return stretch;
    } catch (error) {
      maxConcerts = 1;
      if (bounds.maxConcerts > 1) throw error;
      // Throws if the database cannot be reached: then no concert is skipped.
      const concertId = await store.search((db) => findConcertBelow(db, below), deadline());
      publish("booking.inventory_check_failed", { error, concertId });
      if (concertId !== undefined) leftOut = { ...leftOut, unread: leftOut.unread + 1 };
      return { lastId: concertId, mismatched: undefined };
    }
  }

  function note({ lastId }: InventoryStretch, found: readonly ConcertId[]): void {
    // Those of the stretch that agree now, and those that have been deleted.
    for (const id of mismatched)
      if (id < below && (lastId === undefined || id >= lastId) && !found.includes(id)) mismatched.delete(id);
    for (const concertId of found) {
      if (mismatched.has(concertId) || mismatched.size >= maxMismatched) continue;
      mismatched.add(concertId);
      publish("booking.inventory_mismatched", { concertId });
    }
  }

  const check = async (signal: AbortSignal) => {
    const deadline = () => deadlineWithin(timeoutMs, signal);
    const stretch = await nextStretch(deadline);
    if (stretch.mismatched) note(stretch, stretch.mismatched);
    const isPassOver = stretch.lastId === undefined;
    publish("booking.inventory_checked", { mismatched: mismatched.size, pass: isPassOver ? leftOut : undefined });
    below = stretch.lastId ?? top;
    if (isPassOver) leftOut = { tooLarge: 0, unread: 0 };
  };
  const count = async (signal: AbortSignal) => {
    publish("booking.holds_counted", await store.search(countHolds, deadlineWithin(timeoutMs, signal)));
  };
  const stack = new AsyncDisposableStack();
  stack.use(repeat(count, intervalMs, (error) => publish("booking.hold_count_failed", { error })));
  stack.use(
    repeat(check, intervalMs, (error) => publish("booking.inventory_check_failed", { error, concertId: undefined })),
  );
  return stack;
}
