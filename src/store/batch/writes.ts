import type { BookingKey, Cancellation } from "../../domain/booking.ts";
import type { Actor } from "../../domain/change.ts";
import type { Concert } from "../../domain/concert.ts";

/** What a batch changes. All bookings are of the batch's concert, at its price under the lock. */
export interface BatchChanges {
  /** Of the concert, after the batch. */
  readonly availableTickets: number;
  readonly newBookings: readonly (BookingKey & { readonly ticketCount: number; readonly actor: Actor })[];
  readonly cancelled: readonly Cancellation[];
}

/** The changes, and the concert and the instant that they are made on. */
export interface BatchWrites extends BatchChanges {
  readonly concert: Concert;
  readonly now: Temporal.Instant;
}
