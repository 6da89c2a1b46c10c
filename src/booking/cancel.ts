import type { Actor } from "../domain/actor.ts";
import type { Booking } from "../domain/booking.ts";
import type { Deadline } from "../domain/deadline.ts";
import { DomainError } from "../domain/errors.ts";
import type { Replayable } from "../domain/replayable.ts";
import type { Store } from "../store/store.ts";
import { getBooking } from "./bookings.ts";
import type { BookingEngine } from "./engine.ts";

/** Cancels a booking and puts its tickets back on sale, exactly once. Raises why not as a `DomainError`. */
export async function cancelBooking(
  store: Store,
  engine: BookingEngine,
  request: {
    readonly bookingId: bigint;
    /** Whose booking it is said to be. */
    readonly userId: string;
    readonly requestId: string;
    readonly actor: Actor;
  },
  deadline: Deadline,
): Promise<Replayable<Booking>> {
  // A booking's concert and owner never change, so they may be read before the lock; its status may not.
  const { concertId, userId, id: bookingId } = await getBooking(store, request.bookingId, deadline);
  if (userId !== request.userId) throw new DomainError({ reason: "NOT_BOOKING_OWNER", bookingId });
  return engine.submit({ kind: "cancel", concertId, ...request }, deadline);
}
