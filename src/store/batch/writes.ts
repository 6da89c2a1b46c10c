import type { BookingKey, Cancellation } from "../../domain/booking.ts";
import type { Actor } from "../../domain/change.ts";
import type { Concert } from "../../domain/concert.ts";

/** What a batch writes. All bookings are of the batch's concert, at its price under the lock. */
export interface BatchWrites {
  readonly concert: Concert;
  readonly now: Temporal.Instant;
  /** Of the concert, after the batch. */
  readonly availableTickets: number;
  readonly newBookings: readonly (BookingKey & { readonly ticketCount: number; readonly actor: Actor })[];
  readonly cancelled: readonly Cancellation[];
}
