import type { Booking } from "../domain/booking.ts";
import type { Concert } from "../domain/concert.ts";
import type { Failure } from "../domain/errors.ts";
import type { BookingPolicy } from "./policy.ts";

/** What a caller asks to book. */
export interface BookingRequest {
  readonly concertId: bigint;
  readonly userId: string;
  readonly ticketCount: number;
  /** The caller's key, or one made for a caller who sent none. */
  readonly requestId: string;
}

/** What a caller asks to cancel. */
export interface CancelRequest {
  readonly bookingId: bigint;
  readonly userId: string;
  readonly requestId: string;
}

export type Decision =
  | { readonly kind: "accept" }
  | { readonly kind: "replay"; readonly booking: Booking }
  | { readonly kind: "refuse"; readonly failure: Failure };

const accept: Decision = { kind: "accept" };
const refuse = (failure: Failure): Decision => ({ kind: "refuse", failure });

/**
 * Decides a booking from what is true under the concert's lock. The replay comes first: a client that lost the answer to
 * the last ticket, or repeats after closing, gets its booking.
 */
export function decideBooking(
  request: BookingRequest,
  concert: Concert,
  earlier: Booking | undefined,
  now: Temporal.Instant,
  policy: BookingPolicy,
): Decision {
  if (earlier) {
    return earlier.ticketCount === request.ticketCount
      ? { kind: "replay", booking: earlier }
      : refuse({ reason: "REQUEST_ID_REUSED" });
  }
  const { bookingStartTime: opensAt, bookingEndTime: closesAt, availableTickets: available } = concert;
  const isOpen = Temporal.Instant.compare(opensAt, now) <= 0 && Temporal.Instant.compare(now, closesAt) < 0;
  if (!isOpen) return refuse({ reason: "BOOKING_NOT_OPEN", opensAt, closesAt, now });
  const limit = policy.maxTicketsPerBooking;
  if (request.ticketCount > limit) return refuse({ reason: "TICKET_LIMIT_EXCEEDED", limit });
  if (request.ticketCount > available) return refuse({ reason: "INSUFFICIENT_TICKETS", available });
  return accept;
}

/** Decides a cancellation from the booking as it is under its concert's lock. Only the owner may cancel, and only once. */
export function decideCancel(request: CancelRequest, booking: Booking): Decision {
  if (booking.userId !== request.userId) return refuse({ reason: "NOT_BOOKING_OWNER", bookingId: booking.id });
  if (booking.status === "confirmed") return accept;
  return booking.cancelRequestId === request.requestId
    ? { kind: "replay", booking }
    : refuse({ reason: "ALREADY_CANCELLED", bookingId: booking.id });
}
