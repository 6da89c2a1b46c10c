/** What PostgreSQL reads and writes for a batch, on a concert and its bookings in memory. */
import pg from "pg";
import type { Booking, BookingKey } from "../../../src/domain/booking.ts";
import type { Concert } from "../../../src/domain/concert.ts";
import { bookingIdOf } from "../../../src/domain/ids.ts";
import type { BatchEffects } from "../../../src/store/batch/effects.ts";
import type { BatchQuery, Hold, LockedState, UserTickets } from "../../../src/store/batch/open.ts";
import { keyOf } from "./words.ts";

/** A concert and all its bookings. */
export interface Rows {
  readonly concert: Concert;
  readonly bookings: readonly Booking[];
}

/** PostgreSQL refuses every statement that carries this user. */
export const poisonedUser = "poison\0";

export function isKeyOf(booking: BookingKey): (key: BookingKey) => boolean {
  return (key) => keyOf(key) === keyOf(booking);
}

export function refusePoison(userIds: readonly string[]): void {
  if (userIds.includes(poisonedUser)) throw databaseError("22021", "invalid byte sequence for encoding");
}

/** The error as `pg` reports it. */
export function databaseError(code: string, message: string): pg.DatabaseError {
  return Object.assign(new pg.DatabaseError(message, 0, "error"), { code, severity: "ERROR" });
}

/** What a batch reads under the lock at the instant `now`. */
export function readRows(
  { concert, bookings }: Rows,
  query: BatchQuery,
  now: Temporal.Instant,
  lastId: bigint,
): LockedState {
  const isUsers = ({ userId }: Booking) => query.userIds.includes(userId);
  const isCounted = concert.maxTicketsPerUser !== undefined || query.countsHolds;
  return {
    concert,
    now,
    stored: bookings.filter((each) => query.bookingIds.includes(each.id) || query.keys.some(isKeyOf(each))),
    holds: concert.heldTickets > 0 ? holdsOf(bookings, query.maxDue, now) : [],
    userTickets: isCounted ? userTicketsOf(bookings.filter(isUsers)) : [],
    newIds: Array.from({ length: query.newIds }, (_, index) => bookingIdOf(lastId + BigInt(index) + 1n)),
  };
}

function holdsOf(bookings: readonly Booking[], maxDue: number, now: Temporal.Instant): Hold[] {
  const holds = bookings
    .filter(({ status }) => status === "held")
    .flatMap(({ id, ticketCount, holdExpiresTime }) => (holdExpiresTime ? [{ id, ticketCount, holdExpiresTime }] : []))
    .sort((one, other) => Temporal.Instant.compare(one.holdExpiresTime, other.holdExpiresTime));
  const isDue = ({ holdExpiresTime }: Hold) => Temporal.Instant.compare(holdExpiresTime, now) <= 0;
  return [...holds.filter(isDue).slice(0, maxDue), ...holds.filter((hold) => !isDue(hold)).slice(0, 1)];
}

function userTicketsOf(bookings: readonly Booking[]): UserTickets[] {
  const live = bookings.filter(({ status }) => status === "held" || status === "confirmed");
  const groups = Map.groupBy(live, ({ userId, status, holdExpiresTime }) => {
    return `${userId} ${status === "held" ? holdExpiresTime : "confirmed"}`;
  });
  return [...groups.values()].map((group) => {
    const [{ userId, status, holdExpiresTime }] = group as [Booking];
    return {
      userId,
      ticketCount: group.reduce((sum, { ticketCount }) => sum + ticketCount, 0),
      bookings: group.length,
      holdExpiresTime: status === "held" ? holdExpiresTime : undefined,
    };
  });
}

/** The rows after a batch's writes. Throws the error with which PostgreSQL would reject them. */
export function writeRows({ concert, bookings }: Rows, effects: BatchEffects, now: Temporal.Instant): Rows {
  const { availableTickets, heldTickets, inserts, updates } = effects;
  const inserted = inserts.map(({ booking }) => booking);
  refusePoison(inserted.map(({ userId }) => userId));
  if (inserted.some((each) => bookings.some((stored) => stored.id === each.id || isKeyOf(stored)(each)))) {
    throw databaseError("23505", "duplicate key value violates unique constraint");
  }
  if (availableTickets < 0 || heldTickets < 0 || availableTickets + heldTickets > concert.totalTickets) {
    throw databaseError("23514", "new row violates check constraint");
  }
  const byId = new Map(updates.map((update) => [update.id, update]));
  const updated = bookings.map((each) => {
    const update = byId.get(each.id);
    if (!update) return each;
    const { id, status, ticketCount, holdExpiresTime, paymentReference, cancelRequestId } = update;
    return {
      ...each,
      ...{ id, status, ticketCount, holdExpiresTime, paymentReference, cancelRequestId, updatedAt: now },
      totalPriceCents: each.unitPriceCents * ticketCount,
    };
  });
  return { concert: { ...concert, availableTickets, heldTickets }, bookings: [...updated, ...inserted] };
}
