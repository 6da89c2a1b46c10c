import type { BookingId, ConcertId } from "./ids.ts";

export const bookingStatuses = ["held", "confirmed", "cancelled", "expired", "released"] as const;

export type BookingStatus = (typeof bookingStatuses)[number];

/** The key that makes a booking of a concert repeatable. Each user has separate keys. */
export interface BookingKey {
  readonly userId: string;
  readonly requestId: string;
}

/** A key within its concert, as one string. U+0000 separates, since a user id cannot contain it. */
export function bookingKey({ userId, requestId }: BookingKey): string {
  return `${requestId}\0${userId}`;
}

/** A booking as stored. A hold is a booking that is not confirmed yet. */
export interface Booking {
  readonly id: BookingId;
  readonly concertId: ConcertId;
  readonly userId: string;
  readonly ticketCount: number;
  /** What the request with the booking's key asked for. A confirmation may lower `ticketCount`. */
  readonly requestedCount: number;
  /** The instant of the batch that made the booking, by the database's clock. */
  readonly bookingTime: Temporal.Instant;
  readonly status: BookingStatus;
  /** From this instant on the hold is due to expire. Undefined if the booking never was a hold. */
  readonly holdExpiresTime: Temporal.Instant | undefined;
  readonly paymentReference: string | undefined;
  readonly unitPriceCents: number;
  readonly totalPriceCents: number;
  readonly currencyCode: string;
  /** The keys that make repeats safe. */
  readonly requestId: string;
  readonly cancelRequestId: string | undefined;
  readonly createdAt: Temporal.Instant;
  readonly updatedAt: Temporal.Instant;
}
