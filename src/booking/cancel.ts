import type { Actor } from "../domain/actor.ts";
import type { Booking } from "../domain/booking.ts";
import type { Deadline } from "../domain/deadline.ts";
import { DomainError } from "../domain/errors.ts";
import type { Replayable } from "../domain/replayable.ts";
import type { BookingEngine } from "./engine.ts";
import type { LookUpBooking } from "./lookup.ts";

/** Cancels a booking and puts its tickets back on sale, exactly once. Raises why not as a `DomainError`. */
export async function cancelBooking(
  lookUpBooking: LookUpBooking,
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
  const { bookingId } = request;
  // A booking's concert and owner never change, so they may be known before the lock; its status may not.
  const booking = await lookUpBooking(bookingId, deadline);
  if (!booking) throw new DomainError({ reason: "BOOKING_NOT_FOUND", bookingId });
  const { concertId, userId } = booking;
  if (userId !== request.userId) throw new DomainError({ reason: "NOT_BOOKING_OWNER", bookingId });
  return engine.submit({ kind: "cancel", concertId, ...request }, deadline);
}
