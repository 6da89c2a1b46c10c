/** The rules of bookings and holds, as plainly as they can be said: one request after the other, on a list of bookings. */
import type { Command } from "../../../src/booking/commands.ts";
import type { BookingPolicy } from "../../../src/booking/policy.ts";
import type { Booking } from "../../../src/domain/booking.ts";
import type { Failure } from "../../../src/domain/failure.ts";

/** What the rules read and write of a booking. */
export interface ReferenceBooking
  extends Pick<Booking, "userId" | "requestId" | "requestedCount" | "ticketCount" | "unitPriceCents" | "status">,
    Pick<Booking, "createdAt" | "holdExpiresTime" | "paymentReference" | "cancelRequestId"> {
  /** Undefined until the database has assigned one. */
  readonly id: bigint | undefined;
}

/** A concert with all its bookings, the ended ones included. The available and the held tickets follow from them. */
export interface ReferenceConcert {
  readonly totalTickets: number;
  readonly priceCents: number;
  readonly opensAt: Temporal.Instant;
  readonly closesAt: Temporal.Instant;
  readonly maxTicketsPerUser: number | undefined;
  readonly requiresPayment: boolean;
  readonly bookings: readonly ReferenceBooking[];
}

type RuleOf<Each> = Each extends unknown ? Omit<Each, "concertId" | "actor" | "hasOwnKey" | "ownerId"> : never;

/** What the rules read of a request. */
export type ReferenceRequest = RuleOf<Command>;
type RequestOf<Kind extends Command["kind"]> = Extract<ReferenceRequest, { kind: Kind }>;

export type ReferenceAnswer =
  | { readonly booking: ReferenceBooking; readonly replayed: boolean }
  | { readonly failure: Failure }
  | { readonly isDone: true };

/** An answer, and the concert after it. */
interface ReferenceStep {
  readonly answer: ReferenceAnswer;
  readonly concert: ReferenceConcert;
}

function ticketsWith(bookings: readonly ReferenceBooking[], status: Booking["status"]): number {
  let tickets = 0;
  for (const booking of bookings) if (booking.status === status) tickets += booking.ticketCount;
  return tickets;
}

export function heldIn({ bookings }: Pick<ReferenceConcert, "bookings">): number {
  return ticketsWith(bookings, "held");
}

export function availableIn({ totalTickets, bookings }: Pick<ReferenceConcert, "totalTickets" | "bookings">): number {
  return totalTickets - ticketsWith(bookings, "held") - ticketsWith(bookings, "confirmed");
}

/** Carries out one request at the instant `now`. First, whatever the request is, the holds that are due expire. */
export function carryOut(
  before: ReferenceConcert,
  request: ReferenceRequest,
  now: Temporal.Instant,
  policy: BookingPolicy,
): ReferenceStep {
  const concert = { ...before, bookings: before.bookings.map((booking) => expireIfDue(booking, now)) };
  switch (request.kind) {
    case "book":
    case "hold":
      return order(concert, request, now, policy);
    case "expire":
      return { answer: { isDone: true }, concert };
    default:
      return change(concert, request, now, policy);
  }
}

function isBefore(one: Temporal.Instant, other: Temporal.Instant): boolean {
  return one.epochNanoseconds < other.epochNanoseconds;
}

function expireIfDue(booking: ReferenceBooking, now: Temporal.Instant): ReferenceBooking {
  const isDue = booking.holdExpiresTime !== undefined && !isBefore(now, booking.holdExpiresTime);
  return booking.status === "held" && isDue ? { ...booking, status: "expired" } : booking;
}

function order(
  concert: ReferenceConcert,
  request: RequestOf<"book"> | RequestOf<"hold">,
  now: Temporal.Instant,
  policy: BookingPolicy,
): ReferenceStep {
  const refused = (failure: Failure): ReferenceStep => ({ answer: { failure }, concert });
  const { userId, requestId, ticketCount } = request;
  const isHold = request.kind === "hold";
  for (const earlier of concert.bookings) {
    if (earlier.userId !== userId || earlier.requestId !== requestId) continue;
    const wasHold = earlier.holdExpiresTime !== undefined;
    return earlier.requestedCount === ticketCount && wasHold === isHold
      ? { answer: { booking: earlier, replayed: true }, concert }
      : refused({ reason: "REQUEST_ID_REUSED" });
  }
  if (!isHold && concert.requiresPayment) return refused({ reason: "PAYMENT_REQUIRED" });
  const { opensAt, closesAt } = concert;
  if (isBefore(now, opensAt) || !isBefore(now, closesAt))
    return refused({ reason: "BOOKING_NOT_OPEN", opensAt, closesAt, now });
  if (ticketCount > policy.maxTicketsPerBooking)
    return refused({ reason: "TICKET_LIMIT_EXCEEDED", limit: policy.maxTicketsPerBooking });
  const ttlMs = isHold ? (request.ttlMs ?? policy.holdTtlMs) : 0;
  if (ttlMs > policy.holdTtlMaxMs) return refused(tooLong(policy));
  if (!request.isExempt) {
    const holds = concert.bookings.filter((each) => each.userId === userId && each.status === "held");
    if (isHold && holds.length >= policy.maxHoldsPerUser)
      return refused({ reason: "HOLD_LIMIT_EXCEEDED", limit: policy.maxHoldsPerUser });
    const failure = overUserLimit(concert, userId, ticketCount);
    if (failure) return refused(failure);
  }
  const available = availableIn(concert);
  if (ticketCount > available) return refused({ reason: "INSUFFICIENT_TICKETS", available });
  const booking: ReferenceBooking = {
    ...{ id: undefined, userId, requestId, requestedCount: ticketCount, ticketCount, createdAt: now },
    status: isHold ? "held" : "confirmed",
    holdExpiresTime: isHold ? now.add({ milliseconds: Math.min(ttlMs, policy.holdLifetimeMs) }) : undefined,
    ...{ unitPriceCents: concert.priceCents, paymentReference: undefined, cancelRequestId: undefined },
  };
  return { answer: { booking, replayed: false }, concert: { ...concert, bookings: [...concert.bookings, booking] } };
}

function tooLong({ holdTtlMaxMs }: BookingPolicy): Failure {
  return {
    reason: "INVALID_REQUEST",
    violations: [{ field: "ttl", message: `must be at most ${holdTtlMaxMs / 1_000}s` }],
  };
}

function overUserLimit(
  { maxTicketsPerUser: limit, bookings }: ReferenceConcert,
  userId: string,
  more: number,
): Failure | undefined {
  const own = bookings.filter((each) => each.userId === userId);
  const [booked, held] = [ticketsWith(own, "confirmed"), ticketsWith(own, "held")];
  if (limit === undefined || booked + held + more <= limit) return undefined;
  return { reason: "USER_LIMIT_EXCEEDED", limit, booked, held };
}

/** What a request makes of the booking that it names. */
type Change = { readonly after: ReferenceBooking } | { readonly failure: Failure } | "replay";

type ChangeRequest = RequestOf<"confirm"> | RequestOf<"release"> | RequestOf<"extend"> | RequestOf<"cancel">;

function change(
  concert: ReferenceConcert,
  request: ChangeRequest,
  now: Temporal.Instant,
  policy: BookingPolicy,
): ReferenceStep {
  const { bookingId, userId } = request;
  const refused = (failure: Failure): ReferenceStep => ({ answer: { failure }, concert });
  const booking = concert.bookings.find((each) => each.id === bookingId);
  if (!booking) return refused({ reason: "BOOKING_NOT_FOUND", bookingId });
  if (userId !== undefined && booking.userId !== userId) return refused({ reason: "NOT_BOOKING_OWNER", bookingId });
  const changed = changeOf(booking, concert, request, now, policy);
  if (changed === "replay") return { answer: { booking, replayed: true }, concert };
  if ("failure" in changed) return refused(changed.failure);
  const bookings = concert.bookings.map((each) => (each === booking ? changed.after : each));
  return { answer: { booking: changed.after, replayed: false }, concert: { ...concert, bookings } };
}

function changeOf(
  booking: ReferenceBooking,
  concert: ReferenceConcert,
  request: ChangeRequest,
  now: Temporal.Instant,
  policy: BookingPolicy,
): Change {
  const { bookingId } = request;
  const { status, holdExpiresTime = now } = booking;
  const notHeld: Failure =
    status === "confirmed" ? { reason: "ALREADY_CONFIRMED", bookingId } : { reason: "NOT_HELD", bookingId, status };
  const holdExpired: Failure = {
    reason: "HOLD_EXPIRED",
    expiredAt: holdExpiresTime,
    available: availableIn(concert),
  };
  switch (request.kind) {
    case "cancel":
      if (status === "cancelled" && booking.cancelRequestId === request.requestId) return "replay";
      if (status === "cancelled") return { failure: { reason: "ALREADY_CANCELLED", bookingId } };
      if (status !== "confirmed") return { failure: { reason: "NOT_CONFIRMED", bookingId, status } };
      return { after: { ...booking, status: "cancelled", cancelRequestId: request.requestId } };
    case "release":
      if (status === "released" || status === "expired") return "replay";
      return status === "held" ? { after: { ...booking, status: "released" } } : { failure: notHeld };
    case "extend": {
      if (status !== "held") return { failure: status === "expired" ? holdExpired : notHeld };
      if (request.ttlMs > policy.holdTtlMaxMs) return { failure: tooLong(policy) };
      const lastInstant = booking.createdAt.add({ milliseconds: policy.holdLifetimeMs });
      const wanted = now.add({ milliseconds: request.ttlMs });
      const extended = isBefore(wanted, lastInstant) ? wanted : lastInstant;
      return isBefore(holdExpiresTime, extended) ? { after: { ...booking, holdExpiresTime: extended } } : "replay";
    }
    case "confirm": {
      const wantsSame = booking.ticketCount === (request.ticketCount || booking.requestedCount);
      const isPaidSame = booking.paymentReference === request.paymentReference;
      if (status === "confirmed") return wantsSame && isPaidSame ? "replay" : { failure: notHeld };
      if (status !== "held" && status !== "expired") return { failure: notHeld };
      if (!request.hasConfirmScope && (request.acceptLate || concert.requiresPayment))
        return { failure: { reason: "MISSING_SCOPE", scope: "bookings:confirm" } };
      const isInTime = !isBefore(holdExpiresTime.add({ milliseconds: policy.lateConfirmMs }), now);
      if (status === "expired" && !(request.acceptLate && isInTime)) return { failure: holdExpired };
      const ticketCount = request.ticketCount || booking.ticketCount;
      if (ticketCount > booking.ticketCount)
        return { failure: { reason: "MORE_THAN_HELD", held: booking.ticketCount } };
      const isOver = overUserLimit(concert, booking.userId, ticketCount) || ticketCount > availableIn(concert);
      if (status === "expired" && isOver) return { failure: holdExpired };
      return {
        after: { ...booking, status: "confirmed", ticketCount, paymentReference: request.paymentReference },
      };
    }
  }
}
