import type { Actor } from "./change.ts";
import type { BookingId, ConcertId } from "./ids.ts";

export type BookingStatus = "confirmed" | "cancelled";

/** The key that makes a booking of a concert repeatable. Each user has separate keys. */
export interface BookingKey {
  readonly userId: string;
  readonly requestId: string;
}

/** A key within its concert, as one string. U+0000 separates, since a user id cannot contain it. */
export function bookingKey({ userId, requestId }: BookingKey): string {
  return `${requestId}\0${userId}`;
}

/** A booking as stored. */
export interface Booking {
  readonly id: BookingId;
  readonly concertId: ConcertId;
  readonly userId: string;
  readonly ticketCount: number;
  /** The instant of the batch that decided the booking, by the database's clock. */
  readonly bookingTime: Temporal.Instant;
  readonly status: BookingStatus;
  readonly unitPriceCents: number;
  readonly totalPriceCents: number;
  readonly currencyCode: string;
  /** The keys that make repeats safe. */
  readonly requestId: string;
  readonly cancelRequestId: string | undefined;
  readonly createdAt: Temporal.Instant;
  readonly updatedAt: Temporal.Instant;
}

/** A cancellation: the booking before and after it, and who made it. */
export interface Cancellation {
  readonly before: Booking;
  readonly after: Booking;
  readonly actor: Actor;
}
