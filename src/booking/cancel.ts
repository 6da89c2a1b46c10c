import type { Booking } from "../domain/booking.ts";
import type { Actor } from "../domain/change.ts";
import type { Deadline } from "../domain/deadline.ts";
import type { Replayable } from "../domain/replayable.ts";
import type { Store } from "../store/store.ts";
import type { BookingEngine } from "./engine.ts";
import { getBooking } from "./queries.ts";

/** Cancels a booking and puts its tickets back on sale, exactly once. Raises why not as a `DomainError`. */
export async function cancelBooking(
  store: Store,
  engine: BookingEngine,
  request: {
    readonly bookingId: bigint;
    /** The user who must own the booking; undefined if any user may. */
    readonly userId: string | undefined;
    readonly requestId: string;
    readonly actor: Actor;
  },
  deadline: Deadline,
): Promise<Replayable<Booking>> {
  // The read finds the concert to lock, and refuses strangers without a lock. The engine decides on the locked row.
  const { concertId } = await getBooking(store, request.bookingId, request.userId, deadline);
  return engine.submit({ kind: "cancel", concertId, ...request }, deadline);
}
