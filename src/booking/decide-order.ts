/** Decides on requests for tickets: to book them at once, or to hold them. */
import { bookingKey } from "../domain/booking.ts";
import type { Failure } from "../domain/failure.ts";
import { type Answer, refused, replayed, stored } from "./answers.ts";
import type { OrderCommand } from "./commands.ts";
import type { Ledger } from "./ledger.ts";
import type { BookingPolicy } from "./policy.ts";

export function order(command: OrderCommand, ledger: Ledger, policy: BookingPolicy): Answer {
  const earlier = ledger.findByKey(bookingKey(command));
  if (earlier) {
    // Not by ticketCount, which a confirmation may have lowered, nor by the time to live.
    const wasHeld = earlier.holdExpiresTime !== undefined;
    const isSame = earlier.requestedCount === command.ticketCount && wasHeld === (command.kind === "hold");
    return isSame ? replayed(earlier) : refused({ reason: "REQUEST_ID_REUSED" });
  }
  const failure =
    whyNotNow(command, ledger) ??
    whyTooMuch(command, policy) ??
    (command.isExempt ? undefined : whyTooManyOfUser(command, ledger, policy)) ??
    whyNoTickets(command.ticketCount, ledger);
  if (failure) return failure.reason === "INSUFFICIENT_TICKETS" ? withoutStock(failure, ledger) : refused(failure);
  return stored(ledger.insert(newBooking(command, ledger, policy), command.actor));
}

/** The answer to a request that lacks tickets. While holds are due, none is refused for that. */
export function withoutStock(failure: Failure, ledger: Ledger): Answer {
  return ledger.hasMoreDue ? { kind: "undecided" } : refused(failure);
}

/** Why the concert refuses any such request at the batch's instant. */
function whyNotNow({ kind }: OrderCommand, { concert, now, isOpen }: Ledger): Failure | undefined {
  if (kind === "book" && concert.requiresPayment) return { reason: "PAYMENT_REQUIRED" };
  const { bookingStartTime: opensAt, bookingEndTime: closesAt } = concert;
  return isOpen ? undefined : { reason: "BOOKING_NOT_OPEN", opensAt, closesAt, now };
}

/** Why the operator refuses any such request. */
function whyTooMuch(command: OrderCommand, policy: BookingPolicy): Failure | undefined {
  const limit = policy.maxTicketsPerBooking;
  if (command.ticketCount > limit) return { reason: "TICKET_LIMIT_EXCEEDED", limit };
  return command.kind === "hold" && command.ttlMs !== undefined ? whyTooLong(command.ttlMs, policy) : undefined;
}

/** Why a hold cannot live so long. */
export function whyTooLong(ttlMs: number, { holdTtlMaxMs }: BookingPolicy): Failure | undefined {
  if (ttlMs <= holdTtlMaxMs) return undefined;
  return {
    reason: "INVALID_REQUEST",
    violations: [{ field: "ttl", message: `must be at most ${holdTtlMaxMs / 1_000}s` }],
  };
}

/** Why the user cannot have more of the concert. */
function whyTooManyOfUser(command: OrderCommand, ledger: Ledger, policy: BookingPolicy): Failure | undefined {
  const { userId, ticketCount } = command;
  const limit = policy.maxHoldsPerUser;
  const { holds = 0 } = ledger.tallyOf(userId) ?? {};
  if (command.kind === "hold" && holds >= limit) return { reason: "HOLD_LIMIT_EXCEEDED", limit };
  return whyOverUserLimit(userId, ticketCount, ledger);
}

/** Why a user cannot have so many more tickets of the concert. Nothing if it is not known what the user has. */
export function whyOverUserLimit(userId: string, ticketCount: number, ledger: Ledger): Failure | undefined {
  const limit = ledger.concert.maxTicketsPerUser;
  const tally = ledger.tallyOf(userId);
  if (limit === undefined || !tally || tally.booked + tally.held + ticketCount <= limit) return undefined;
  return { reason: "USER_LIMIT_EXCEEDED", limit, booked: tally.booked, held: tally.held };
}

function whyNoTickets(ticketCount: number, { availableTickets: available }: Ledger): Failure | undefined {
  return ticketCount > available ? { reason: "INSUFFICIENT_TICKETS", available } : undefined;
}

/** The booking that an order makes, at the concert's price of now. */
function newBooking(command: OrderCommand, { concert, now }: Ledger, policy: BookingPolicy) {
  const { userId, ticketCount, requestId } = command;
  const ttlMs = command.kind === "hold" ? (command.ttlMs ?? policy.holdTtlMs) : undefined;
  return {
    concertId: concert.id,
    userId,
    ticketCount,
    requestedCount: ticketCount,
    bookingTime: now,
    status: ttlMs === undefined ? ("confirmed" as const) : ("held" as const),
    holdExpiresTime: ttlMs === undefined ? undefined : now.add({ milliseconds: ttlMs }),
    paymentReference: undefined,
    unitPriceCents: concert.priceCents,
    totalPriceCents: concert.priceCents * ticketCount,
    currencyCode: concert.currencyCode,
    requestId,
    cancelRequestId: undefined,
    createdAt: now,
    updatedAt: now,
  };
}
