import type { AppEvents, EventHub } from "../events.ts";
import type { Instruments } from "./instruments.ts";

/** Follows the comparison of concerts with their bookings, which begins now. Each process that compares reads the same database. */
export function observeInventory(on: EventHub<AppEvents>["subscribe"], { gaugeOf }: Instruments): void {
  let mismatched: number | undefined;
  let skipped: number | undefined;
  let areAllCompared = false;
  let holds: AppEvents["booking.holds_counted"] | undefined;
  let lastPassAtMs = Date.now();
  on("booking.holds_counted", (counts) => {
    holds = counts;
  });
  on("booking.inventory_checked", (checked) => {
    if (checked.pass) skipped = checked.pass.tooLarge + checked.pass.unread;
    // A pass with a concert whose comparison failed says nothing of all.
    if (checked.pass?.unread === 0) {
      areAllCompared = true;
      lastPassAtMs = Date.now();
    }
    if (areAllCompared || checked.mismatched > 0) ({ mismatched } = checked);
  });
  const add = (name: string, help: string, read: () => number | undefined) => gaugeOf(name, help, "max", read);
  add(
    "frontrow_inventory_mismatch",
    "Concerts whose counters contradict their bookings, at most 10000: must stay 0; absent while none is known and not all are compared",
    () => mismatched,
  );
  add(
    "frontrow_inventory_last_pass_timestamp_seconds",
    "When a pass through all concerts has ended for the last time, in which none failed to be compared; before that, when the first one began",
    () => Math.floor(lastPassAtMs / 1_000),
  );
  add(
    "frontrow_inventory_skipped_concerts",
    "Concerts that the last pass skipped, because they have more than 100000 live bookings or could not be read",
    () => skipped,
  );
  add("frontrow_live_holds", "Holds that are not yet due, at most 100000", () => holds?.live);
  add(
    "frontrow_overdue_holds",
    "Holds that are due and not yet expired, at most 10000; they last about a second",
    () => holds?.overdue,
  );
}
