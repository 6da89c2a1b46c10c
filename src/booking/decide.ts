import { type Booking, bookingKey, type Cancellation } from "../domain/booking.ts";
import type { Concert } from "../domain/concert.ts";
import type { Failure } from "../domain/failure.ts";
import type { BookingRequest, CancelRequest, EngineRequest } from "./commands.ts";
import type { BookingPolicy } from "./policy.ts";

/** What is true under the concert's lock when a batch is decided. */
export interface LockedState {
  readonly concert: Concert;
  /** The batch's one instant, by the database's clock. */
  readonly now: Temporal.Instant;
  /** The stored bookings that the batch's keys made, and those that it wants to cancel. */
  readonly stored: readonly Booking[];
}

/** What one caller is told once the batch is committed. */
export type Answer =
  /** A booking that was stored before, as the requests up to this one leave it. */
  | { readonly kind: "stored"; readonly booking: Booking; readonly replayed: boolean }
  /** The booking that the batch stores under this key (see `bookingKey`). */
  | { readonly kind: "new"; readonly key: string; readonly replayed: boolean }
  | { readonly kind: "refused"; readonly failure: Failure };

/** A batch's answers, in the order of its requests, and all that it writes. */
export interface BatchPlan {
  readonly answers: readonly Answer[];
  readonly newBookings: readonly BookingRequest[];
  readonly cancelled: readonly Cancellation[];
  readonly availableTickets: number;
}

/**
 * Decides a batch's requests one after the other, each on what those before it left: a request for four that no longer
 * fits does not stop a later request for one.
 */
export function decideBatch(requests: readonly EngineRequest[], state: LockedState, policy: BookingPolicy): BatchPlan {
  const byId = new Map(state.stored.map((booking) => [booking.id, booking]));
  const idByKey = new Map(state.stored.map((booking) => [bookingKey(booking), booking.id]));
  const newBookings = new Map<string, BookingRequest>();
  const cancelled = new Map<bigint, Cancellation>();
  const notOpen = whyNotOpen(state);
  let availableTickets = state.concert.availableTickets;

  function book(request: BookingRequest): Answer {
    const key = bookingKey(request);
    const storedId = idByKey.get(key);
    const earlier = storedId === undefined ? newBookings.get(key) : byId.get(storedId);
    if (earlier && earlier.ticketCount !== request.ticketCount) return refused({ reason: "REQUEST_ID_REUSED" });
    if (earlier && "id" in earlier) return { kind: "stored", booking: earlier as Booking, replayed: true };
    if (earlier) return { kind: "new", key, replayed: true };

    // The window, then the limit, then the stock.
    const failure = notOpen ?? whyNoTickets(request.ticketCount, availableTickets, policy);
    if (failure) return refused(failure);
    availableTickets -= request.ticketCount;
    newBookings.set(key, request);
    return { kind: "new", key, replayed: false };
  }

  function cancel({ bookingId, userId, requestId, actor }: CancelRequest): Answer {
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

  const answers = requests.map((request) => (request.kind === "book" ? book(request) : cancel(request)));
  return { answers, newBookings: [...newBookings.values()], cancelled: [...cancelled.values()], availableTickets };
}

/** Why nothing can be booked at the batch's instant, if it is outside of the window. */
function whyNotOpen({ concert, now }: LockedState): Failure | undefined {
  const { bookingStartTime: opensAt, bookingEndTime: closesAt } = concert;
  const isOpen = Temporal.Instant.compare(opensAt, now) <= 0 && Temporal.Instant.compare(now, closesAt) < 0;
  return isOpen ? undefined : { reason: "BOOKING_NOT_OPEN", opensAt, closesAt, now };
}

/** Why a booking within the window is refused: the limit, then the stock. */
export function whyNoTickets(ticketCount: number, available: number, policy: BookingPolicy): Failure | undefined {
  const limit = policy.maxTicketsPerBooking;
  if (ticketCount > limit) return { reason: "TICKET_LIMIT_EXCEEDED", limit };
  if (ticketCount > available) return { reason: "INSUFFICIENT_TICKETS", available };
  return undefined;
}

function refused(failure: Failure): Answer {
  return { kind: "refused", failure };
}
