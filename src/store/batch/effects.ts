/** What a batch writes, as data. */
import type { Booking } from "../../domain/booking.ts";
import type { Actor } from "../../domain/change.ts";
import type { BookingId } from "../../domain/ids.ts";
import type { BookingAction } from "../audit.ts";

/** A booking to insert, of the batch's concert, and who made it. */
export interface BookingInsert {
  readonly booking: Booking;
  readonly actor: Actor;
}

/** The columns of a booking that change in its life. */
export interface BookingUpdate
  extends Pick<Booking, "id" | "status" | "ticketCount" | "holdExpiresTime" | "paymentReference" | "cancelRequestId"> {
  readonly id: BookingId;
  /** Who cancelled it. */
  readonly cancelledBy: string | undefined;
}

/** What an actor did to a booking. */
export interface BookingEntry {
  readonly action: BookingAction;
  readonly actor: Actor;
  readonly before: Booking | undefined;
  readonly after: Booking;
}

/** All that a batch changes. */
export interface BatchEffects {
  /** Of the concert, after the batch. */
  readonly availableTickets: number;
  readonly heldTickets: number;
  readonly inserts: readonly BookingInsert[];
  /** At most one of each booking. None is of an insert. */
  readonly updates: readonly BookingUpdate[];
  readonly entries: readonly BookingEntry[];
}
