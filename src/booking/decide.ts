import { type Booking, bookingKey, type Cancellation } from "../domain/booking.ts";
import type { Failure } from "../domain/failure.ts";
import type { BookingId } from "../domain/ids.ts";
import type { LockedState } from "../store/batch/open.ts";
import type { BookCommand, CancelCommand, Command } from "./commands.ts";

/** What an operator may set about bookings. */
export interface BookingPolicy {
  /** The most tickets that one booking may hold. */
  readonly maxTicketsPerBooking: number;
}

/** What one caller gets once the batch is committed. */
export type Answer =
  /** A booking that was stored before, as the commands up to this one leave it. */
  | { readonly kind: "stored"; readonly booking: Booking; readonly replayed: boolean }
  /** The booking that the batch stores under this key (see `bookingKey`). */
  | { readonly kind: "new"; readonly key: string; readonly replayed: boolean }
  | { readonly kind: "refused"; readonly failure: Failure };

/** A batch's answers, in the order of its commands, and all that it writes. */
export interface BatchPlan {
  readonly answers: readonly Answer[];
  readonly newBookings: readonly BookCommand[];
  readonly cancelled: readonly Cancellation[];
  readonly availableTickets: number;
}

/**
 * Decides a batch's commands one after the other, each on what those before it left: a request for four that does not fit
 * does not stop a later request for one.
 */
export function decideBatch(commands: readonly Command[], state: LockedState, policy: BookingPolicy): BatchPlan {
  const byId = new Map(state.stored.map((booking) => [booking.id, booking]));
  const idByKey = new Map(state.stored.map((booking) => [bookingKey(booking), booking.id]));
  const newBookings = new Map<string, BookCommand>();
  const cancelled = new Map<BookingId, Cancellation>();
  const notOpen = whyNotOpen(state);
  let availableTickets = state.concert.availableTickets;

  function book(command: BookCommand): Answer {
    const key = bookingKey(command);
    const storedId = idByKey.get(key);
    const stored = storedId === undefined ? undefined : byId.get(storedId);
    const earlier = stored ?? newBookings.get(key);
    if (earlier && earlier.ticketCount !== command.ticketCount) return refused({ reason: "REQUEST_ID_REUSED" });
    if (stored) return { kind: "stored", booking: stored, replayed: true };
    if (earlier) return { kind: "new", key, replayed: true };

    // The window, then the limit, then the stock.
    const failure = notOpen ?? whyNoTickets(command.ticketCount, availableTickets, policy);
    if (failure) return refused(failure);
    availableTickets -= command.ticketCount;
    newBookings.set(key, command);
    return { kind: "new", key, replayed: false };
  }

  function cancel({ bookingId, userId, requestId, actor }: CancelCommand): Answer {
    const booking = byId.get(bookingId);
    if (!booking) return refused({ reason: "BOOKING_NOT_FOUND", bookingId });
    if (userId !== undefined && booking.userId !== userId) return refused({ reason: "NOT_BOOKING_OWNER", bookingId });
    if (booking.status === "cancelled") {
      const isRepeat = booking.cancelRequestId === requestId;
      return isRepeat
        ? { kind: "stored", booking, replayed: true }
        : refused({ reason: "ALREADY_CANCELLED", bookingId });
    }
    const after: Booking = { ...booking, status: "cancelled", cancelRequestId: requestId, updatedAt: state.now };
    availableTickets += booking.ticketCount;
    byId.set(bookingId, after);
    cancelled.set(bookingId, { before: booking, after, actor });
    return { kind: "stored", booking: after, replayed: false };
  }

  const answers = commands.map((command) => (command.kind === "book" ? book(command) : cancel(command)));
  return { answers, newBookings: [...newBookings.values()], cancelled: [...cancelled.values()], availableTickets };
}

/** Why nothing can be booked at the batch's instant; undefined within the booking window. */
function whyNotOpen({ concert, now }: LockedState): Failure | undefined {
  const { bookingStartTime: opensAt, bookingEndTime: closesAt } = concert;
  const isOpen = Temporal.Instant.compare(opensAt, now) <= 0 && Temporal.Instant.compare(now, closesAt) < 0;
  return isOpen ? undefined : { reason: "BOOKING_NOT_OPEN", opensAt, closesAt, now };
}

/** Why a booking within the window is refused: the limit, then the stock. */
function whyNoTickets(ticketCount: number, available: number, policy: BookingPolicy): Failure | undefined {
  const limit = policy.maxTicketsPerBooking;
  if (ticketCount > limit) return { reason: "TICKET_LIMIT_EXCEEDED", limit };
  if (ticketCount > available) return { reason: "INSUFFICIENT_TICKETS", available };
  return undefined;
}

function refused(failure: Failure): Answer {
  return { kind: "refused", failure };
}
