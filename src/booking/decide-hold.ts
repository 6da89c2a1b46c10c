/** Decides on holds: to confirm, release or extend them. */
import type { Booking } from "../domain/booking.ts";
import type { Failure } from "../domain/failure.ts";
import { type Answer, refused, replayed, stored } from "./answers.ts";
import type { ConfirmCommand, ExtendCommand, ReleaseCommand } from "./commands.ts";
import { whyOverUserLimit, whyTooLong, withoutStock } from "./decide-order.ts";
import { findOwned } from "./find-owned.ts";
import type { Ledger } from "./ledger.ts";
import type { BookingPolicy } from "./policy.ts";

/**
 * Confirms a hold, or some of its tickets. A booking that is confirmed with the same count and reference is a replay, so
 * that a client that lost the response gets the state that it wanted.
 */
export function confirm(command: ConfirmCommand, ledger: Ledger, policy: BookingPolicy): Answer {
  const found = findOwned(command, ledger);
  if (found.failure) return refused(found.failure);
  const { booking } = found;
  const { paymentReference, hasConfirmScope, actor } = command;
  if (booking.status === "confirmed") {
    const isSameCount = booking.ticketCount === (command.ticketCount || booking.requestedCount);
    return isSameCount && booking.paymentReference === paymentReference
      ? replayed(booking)
      : refused({ reason: "ALREADY_CONFIRMED", bookingId: booking.id });
  }
  const isLate = booking.status === "expired";
  if (booking.status !== "held" && !isLate) return refused(notHeld(booking));
  if (!hasConfirmScope && (ledger.concert.requiresPayment || command.acceptLate))
    return refused({ reason: "MISSING_SCOPE", scope: "bookings:confirm" });
  if (isLate && !isInTime(command, booking, ledger, policy)) return refused(holdExpired(booking, ledger));
  const ticketCount = command.ticketCount || booking.ticketCount;
  if (ticketCount > booking.ticketCount) return refused({ reason: "MORE_THAN_HELD", held: booking.ticketCount });
  if (isLate) {
    if (whyOverUserLimit(booking.userId, ticketCount, ledger)) return refused(holdExpired(booking, ledger));
    if (ticketCount > ledger.availableTickets) return withoutStock(holdExpired(booking, ledger), ledger);
  }
  const totalPriceCents = booking.unitPriceCents * ticketCount;
  const after: Booking = { ...booking, status: "confirmed", ticketCount, totalPriceCents, paymentReference };
  return stored(ledger.update("booking.confirm", booking, after, actor));
}

/** Releases a hold. One that has ended without a confirmation stays as it is. */
export function release(command: ReleaseCommand, ledger: Ledger): Answer {
  const found = findOwned(command, ledger);
  if (found.failure) return refused(found.failure);
  const { booking } = found;
  switch (booking.status) {
    case "held":
      return stored(ledger.update("booking.release", booking, { ...booking, status: "released" }, command.actor));
    case "released":
    case "expired":
      return replayed(booking);
    default:
      return refused(notHeld(booking));
  }
}

/** Extends a hold. Its end only moves forward, and not beyond its lifetime, so that repeating is harmless. */
export function extend(command: ExtendCommand, ledger: Ledger, policy: BookingPolicy): Answer {
  const found = findOwned(command, ledger);
  if (found.failure) return refused(found.failure);
  const { booking } = found;
  if (booking.status === "expired") return refused(holdExpired(booking, ledger));
  if (booking.status !== "held") return refused(notHeld(booking));
  const tooLong = whyTooLong(command.ttlMs, policy);
  if (tooLong) return refused(tooLong);
  const lastInstant = booking.createdAt.add({ milliseconds: policy.holdLifetimeMs });
  const wanted = ledger.now.add({ milliseconds: command.ttlMs });
  const holdExpiresTime = earlier(wanted, lastInstant);
  if (booking.holdExpiresTime && Temporal.Instant.compare(holdExpiresTime, booking.holdExpiresTime) <= 0)
    return replayed(booking);
  return stored(ledger.update("booking.extend", booking, { ...booking, holdExpiresTime }, command.actor));
}

/** Whether an expired hold may still be confirmed, if there are tickets. */
function isInTime({ acceptLate }: ConfirmCommand, booking: Booking, ledger: Ledger, policy: BookingPolicy): boolean {
  const lastInstant = booking.holdExpiresTime?.add({ milliseconds: policy.lateConfirmMs });
  return acceptLate && lastInstant !== undefined && Temporal.Instant.compare(ledger.now, lastInstant) <= 0;
}

function holdExpired({ holdExpiresTime, updatedAt }: Booking, { availableTickets: available }: Ledger): Failure {
  return { reason: "HOLD_EXPIRED", expiredAt: holdExpiresTime ?? updatedAt, available };
}

function notHeld({ id, status }: Booking): Failure {
  return status === "confirmed"
    ? { reason: "ALREADY_CONFIRMED", bookingId: id }
    : { reason: "NOT_HELD", bookingId: id, status };
}

function earlier(one: Temporal.Instant, other: Temporal.Instant): Temporal.Instant {
  return Temporal.Instant.compare(one, other) <= 0 ? one : other;
}
