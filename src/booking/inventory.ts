import { deadlineWithin } from "../domain/deadline.ts";
import { type ConcertId, concertIdOf } from "../domain/ids.ts";
import type { Publish } from "../domain/publish.ts";
import { repeat } from "../domain/repeat.ts";
import { compareInventory, countDueHolds, type InventoryStretch } from "../store/inventory.ts";
import type { Store } from "../store/store.ts";
import type { BookingEvents } from "./events.ts";

const usualIntervalMs = 10_000;
const timeoutMs = 10_000;
/** Mismatched concerts that are remembered. */
const maxMismatched = 10_000;
/** Before all concerts. */
const start = concertIdOf(0n);

/**
 * Compares the counters of concerts with their bookings, one stretch of all concerts after the other, until it is disposed
 * of. It corrects nothing. It reads on the connections of reads, and several processes may do it at the same time.
 */
export function startInventoryCheck(
  store: Pick<Store, "read">,
  publish: Publish<BookingEvents>,
  intervalMs = usualIntervalMs,
): AsyncDisposable {
  const mismatched = new Set<ConcertId>();
  let after = start;
  let pass = { heldTickets: 0, skipped: 0 };

  function note({ lastId, mismatched: found, heldTickets, skipped }: InventoryStretch): void {
    const isNew = found.filter((id) => !mismatched.has(id));
    // Those of the stretch that agree now, and those that have been deleted.
    for (const id of mismatched) if (id > after && (lastId === undefined || id <= lastId)) mismatched.delete(id);
    for (const id of found) if (mismatched.size < maxMismatched) mismatched.add(id);
    for (const concertId of isNew) publish("booking.inventory_mismatched", { concertId });
    pass = { heldTickets: pass.heldTickets + heldTickets, skipped: pass.skipped + skipped };
  }

  const check = async (signal: AbortSignal) => {
    const deadline = deadlineWithin(timeoutMs, signal);
    const stretch = await store.read((db) => compareInventory(db, after), deadline);
    const dueHolds = await store.read(countDueHolds, deadline);
    note(stretch);
    const isPassOver = stretch.lastId === undefined;
    publish("booking.inventory_checked", {
      mismatched: mismatched.size,
      dueHolds,
      pass: isPassOver ? pass : undefined,
    });
    after = stretch.lastId ?? start;
    if (isPassOver) pass = { heldTickets: 0, skipped: 0 };
  };
  return repeat(check, intervalMs, (error) => publish("booking.inventory_check_failed", { error }));
}
