import type { Booking } from "../domain/booking.ts";
import type { Deadline } from "../domain/deadline.ts";
import { DomainError } from "../domain/errors.ts";
import type { Replayable } from "../domain/replayable.ts";
import { findBookingByRequestId, insertBooking } from "../store/bookings.ts";
import { addAvailableTickets, lockAndReadConcert } from "../store/concerts.ts";
import type { Store } from "../store/store.ts";
import { type BookingRequest, decideBooking } from "./decide.ts";
import type { BookingPolicy } from "./policy.ts";

/** Books tickets, or finds the booking that the request's key made before. Raises why not as a `DomainError`. */
export function bookTickets(
  store: Store,
  policy: BookingPolicy,
  request: BookingRequest,
  deadline: Deadline,
): Promise<Replayable<Booking>> {
  const { concertId, userId, ticketCount, requestId } = request;
  return store.transact<Replayable<Booking>>(async (transaction) => {
    const locked = await lockAndReadConcert(transaction, concertId);
    if (!locked) throw new DomainError({ reason: "CONCERT_NOT_FOUND", concertId });
    const { concert, now, transactionId } = locked;
    const earlier = await findBookingByRequestId(transaction, concertId, userId, requestId);

    const decision = decideBooking(request, concert, earlier, now, policy);
    if (decision.kind === "refuse") throw new DomainError(decision.failure);
    if (decision.kind === "replay") return { result: { value: decision.booking, replayed: true }, transactionId };

    await addAvailableTickets(transaction, concertId, -ticketCount);
    const value = await insertBooking(transaction, {
      concertId,
      userId,
      ticketCount,
      unitPriceCents: concert.priceCents,
      currencyCode: concert.currencyCode,
      requestId,
      now,
    });
    return { result: { value, replayed: false }, transactionId };
  }, deadline);
}
