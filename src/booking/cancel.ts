import type { Booking } from "../domain/booking.ts";
import type { Replayable } from "../domain/change.ts";
import type { ChangeDeadline } from "../domain/deadline.ts";
import type { Store } from "../store/store.ts";
import type { CancelCommand } from "./commands.ts";
import type { BookingEngine } from "./engine.ts";
import { getBooking } from "./queries.ts";

/** Cancels a booking and puts its tickets back on sale, exactly once. Rejects with a `DomainError` that says why not. */
export async function cancelBooking(
  store: Store,
  engine: BookingEngine,
  request: Omit<CancelCommand, "kind" | "concertId">,
  deadline: ChangeDeadline,
): Promise<Replayable<Booking>> {
  // The read finds the concert to lock, and refuses other users without a lock. The engine decides on the locked row.
  const { concertId } = await getBooking(store, request.bookingId, request.userId, deadline);
  return engine.submit({ kind: "cancel", concertId, ...request }, deadline);
}
