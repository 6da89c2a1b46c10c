import type { AppEvents, EventHub } from "../events.ts";
import type { Instruments } from "./instruments.ts";

/** Follows the comparison of concerts with their bookings. Each process has read the same database. */
export function observeInventory(on: EventHub<AppEvents>["subscribe"], { gauge }: Instruments): void {
  const mismatch = gauge(
    "frontrow_inventory_mismatch",
    "Concerts whose counters contradict their bookings: must stay 0",
    "max",
  );
  const lastPass = gauge(
    "frontrow_inventory_last_pass_timestamp_seconds",
    "When all concerts had been compared with their bookings for the last time; 0 before that",
    "max",
  );
  const skipped = gauge(
    "frontrow_inventory_skipped_concerts",
    "Concerts that the last pass left out, because they have sold more than 200000 tickets",
    "max",
  );
  const held = gauge("frontrow_live_holds", "Held tickets of all concerts, as the last pass found them", "max");
  const overdue = gauge(
    "frontrow_overdue_holds",
    "Holds that are due and not yet expired, at most 10000; they last about a second",
    "max",
  );
  on("booking.inventory_checked", ({ mismatched, dueHolds, pass }) => {
    mismatch.value = mismatched;
    overdue.value = dueHolds;
    if (pass === undefined) return;
    held.value = pass.heldTickets;
    skipped.value = pass.skipped;
    lastPass.value = Math.floor(Date.now() / 1_000);
  });
}
