/** The rules of booking and cancelling, as plainly as they can be said: one request after the other, on a list of bookings. */
import type { BookCommand, CancelCommand } from "../../../src/booking/commands.ts";
import type { Failure } from "../../../src/domain/failure.ts";

export interface ReferenceBooking {
  /** Undefined until the database has assigned one. */
  readonly id: bigint | undefined;
  readonly userId: string;
  readonly requestId: string;
  readonly ticketCount: number;
  readonly status: "confirmed" | "cancelled";
  readonly cancelRequestId: string | undefined;
}

/** A concert with all its bookings, the cancelled ones included. The available tickets follow from them. */
export interface ReferenceConcert {
  readonly totalTickets: number;
  readonly opensAt: Temporal.Instant;
  readonly closesAt: Temporal.Instant;
  readonly bookings: readonly ReferenceBooking[];
}

/** What the rules read of a request. */
export type ReferenceRequest =
  | Pick<BookCommand, "kind" | "userId" | "requestId" | "ticketCount">
  | Pick<CancelCommand, "kind" | "bookingId" | "userId" | "requestId">;

export type ReferenceAnswer =
  | { readonly booking: ReferenceBooking; readonly replayed: boolean }
  | { readonly failure: Failure };

/** An answer, and the concert after it. */
interface ReferenceStep {
  readonly answer: ReferenceAnswer;
  readonly concert: ReferenceConcert;
}

export function availableIn({ totalTickets, bookings }: Pick<ReferenceConcert, "totalTickets" | "bookings">): number {
  let available = totalTickets;
  for (const booking of bookings) if (booking.status === "confirmed") available -= booking.ticketCount;
  return available;
}

/** Carries out one request at the instant `now`. */
export function carryOut(
  concert: ReferenceConcert,
  request: ReferenceRequest,
  now: Temporal.Instant,
  limit: number,
): ReferenceStep {
  const refused = (failure: Failure): ReferenceStep => ({ answer: { failure }, concert });
  const replay = (booking: ReferenceBooking): ReferenceStep => ({ answer: { booking, replayed: true }, concert });

  if (request.kind === "book") {
    const { userId, requestId, ticketCount } = request;
    for (const earlier of concert.bookings) {
      if (earlier.userId !== userId || earlier.requestId !== requestId) continue;
      return earlier.ticketCount === ticketCount ? replay(earlier) : refused({ reason: "REQUEST_ID_REUSED" });
    }
    const { opensAt, closesAt } = concert;
    if (now.epochNanoseconds < opensAt.epochNanoseconds || now.epochNanoseconds >= closesAt.epochNanoseconds) {
      return refused({ reason: "BOOKING_NOT_OPEN", opensAt, closesAt, now });
    }
    if (ticketCount > limit) return refused({ reason: "TICKET_LIMIT_EXCEEDED", limit });
    const available = availableIn(concert);
    if (ticketCount > available) return refused({ reason: "INSUFFICIENT_TICKETS", available });
    const status = "confirmed" as const;
    const booking = { id: undefined, userId, requestId, ticketCount, status, cancelRequestId: undefined };
    return { answer: { booking, replayed: false }, concert: { ...concert, bookings: [...concert.bookings, booking] } };
  }

  const { bookingId, userId, requestId } = request;
  const booking = concert.bookings.find((each) => each.id === bookingId);
  if (!booking) return refused({ reason: "BOOKING_NOT_FOUND", bookingId });
  if (booking.userId !== userId) return refused({ reason: "NOT_BOOKING_OWNER", bookingId });
  if (booking.status === "cancelled") {
    return booking.cancelRequestId === requestId
      ? replay(booking)
      : refused({ reason: "ALREADY_CANCELLED", bookingId });
  }
  const after: ReferenceBooking = { ...booking, status: "cancelled", cancelRequestId: requestId };
  const bookings = concert.bookings.map((each) => (each === booking ? after : each));
  return { answer: { booking: after, replayed: false }, concert: { ...concert, bookings } };
}
