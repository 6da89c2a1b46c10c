import type { Booking } from "../domain/booking.ts";
import type { Deadline } from "../domain/deadline.ts";
import { DomainError } from "../domain/errors.ts";
import type { Replayable } from "../domain/replayable.ts";
import { findBooking, setBookingCancelled } from "../store/bookings.ts";
import { addAvailableTickets, lockAndReadConcert } from "../store/concerts.ts";
import type { Store } from "../store/store.ts";
import { type CancelRequest, decideCancel } from "./decide.ts";

/** Cancels a booking and puts its tickets back on sale, exactly once. Raises why not as a `DomainError`. */
export async function cancelBooking(
  store: Store,
  request: CancelRequest,
  deadline: Deadline,
): Promise<Replayable<Booking>> {
  const { bookingId, requestId } = request;
  const notFound = () => new DomainError({ reason: "BOOKING_NOT_FOUND", bookingId });
  // A booking's concert never changes, so it may be read before the lock; its status may not.
  const concertId = (await store.read((db) => findBooking(db, bookingId), deadline))?.concertId;
  if (concertId === undefined) throw notFound();

  return store.transact<Replayable<Booking>>(async (transaction) => {
    const locked = await lockAndReadConcert(transaction, concertId);
    const booking = locked && (await findBooking(transaction, bookingId));
    if (!booking) throw notFound();
    const { now, transactionId } = locked;

    const decision = decideCancel(request, booking);
    if (decision.kind === "refuse") throw new DomainError(decision.failure);
    if (decision.kind === "replay") return { result: { value: decision.booking, replayed: true }, transactionId };

    await addAvailableTickets(transaction, concertId, booking.ticketCount);
    const value = await setBookingCancelled(transaction, bookingId, requestId, now);
    return { result: { value, replayed: false }, transactionId };
  }, deadline);
}
