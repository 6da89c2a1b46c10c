import type { Actor } from "./actor.ts";

export type BookingStatus = "confirmed" | "cancelled";

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
