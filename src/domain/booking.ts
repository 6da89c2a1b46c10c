import type { Actor } from "./change.ts";

export type BookingStatus = "confirmed" | "cancelled";

/** What makes a booking of a concert repeatable: a key of its user's own. */
export interface BookingKey {
  readonly userId: string;
  readonly requestId: string;
}

/** A key within its concert, as one string. A user id cannot contain U+0000. */
export function bookingKey({ userId, requestId }: BookingKey): string {
  return `${requestId}\0${userId}`;
}

/** A booking as stored. */
export interface Booking {
  readonly id: bigint;
  readonly concertId: bigint;
  readonly userId: string;
  readonly ticketCount: number;
  /** The database's instant at which the booking was decided. */
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

/** A cancellation: the booking as it was and as it is, and who has done it. */
export interface Cancellation {
  readonly before: Booking;
  readonly after: Booking;
  readonly actor: Actor;
}
