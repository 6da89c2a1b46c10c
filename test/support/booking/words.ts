/** The service's own types in the words of the plain model. */
import type { Booking, BookingKey } from "../../../src/domain/booking.ts";
import type { Concert } from "../../../src/domain/concert.ts";
import type { ReferenceBooking, ReferenceConcert } from "./booking-reference.ts";

export function bookingInWords(booking: Booking): ReferenceBooking {
  const { id, userId, requestId, requestedCount, ticketCount, unitPriceCents, status } = booking;
  const { createdAt, holdExpiresTime, paymentReference, cancelRequestId } = booking;
  return {
    ...{ id, userId, requestId, requestedCount, ticketCount, unitPriceCents, status },
    ...{ createdAt, holdExpiresTime, paymentReference, cancelRequestId },
  };
}

export function concertInWords(concert: Concert, bookings: readonly Booking[]): ReferenceConcert {
  const { totalTickets, priceCents, maxTicketsPerUser, requiresPayment } = concert;
  return {
    ...{ totalTickets, priceCents, maxTicketsPerUser, requiresPayment },
    ...{ opensAt: concert.bookingStartTime, closesAt: concert.bookingEndTime },
    bookings: bookings.map(bookingInWords),
  };
}

export function keyOf({ userId, requestId }: BookingKey): string {
  return `${userId} ${requestId}`;
}

/** A value as text, to compare. Two instants are equal to `isDeepStrictEqual`, whichever they are. */
export function textOf(value: unknown): string {
  return JSON.stringify(value, (_, each) => {
    if (typeof each === "bigint") return `${each}n`;
    if (typeof each !== "object" || each === null || Array.isArray(each)) return each;
    return Object.fromEntries(Object.entries(each).sort(([one], [other]) => (one < other ? -1 : 1)));
  });
}

/** Bookings as texts in no order and without ids, which the model does not assign. */
export function bookingTexts(bookings: readonly ReferenceBooking[]): string[] {
  return bookings.map(({ id, ...rest }) => textOf(rest)).sort();
}
