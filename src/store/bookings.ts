import { type Kysely, type Selectable, sql, type Transaction } from "kysely";
import type { Booking } from "../domain/booking.ts";
import type { Bookings, DB } from "./tables.ts";
import { centsFromNumeric, numericFromCents, timestamptz } from "./values.ts";

export function toBooking(row: Selectable<Bookings>): Booking {
  return {
    id: row.id,
    concertId: row.concert_id,
    userId: row.user_id,
    ticketCount: row.ticket_count,
    bookingTime: row.booking_time,
    // A CHECK allows no third value.
    status: row.status === "cancelled" ? "cancelled" : "confirmed",
    unitPriceCents: centsFromNumeric(row.unit_price),
    totalPriceCents: centsFromNumeric(row.total_price),
    currencyCode: row.currency_code,
    requestId: row.request_id,
    cancelRequestId: row.cancel_request_id ?? undefined,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

export async function findBooking(db: Kysely<DB>, id: bigint): Promise<Booking | undefined> {
  const row = await db.selectFrom("bookings").selectAll().where("id", "=", id).executeTakeFirst();
  return row && toBooking(row);
}

/** Up to `limit` bookings of a user that are older than `before`, the newest first. */
export async function listUserBookings(
  db: Kysely<DB>,
  userId: string,
  before: bigint | undefined,
  limit: number,
): Promise<Booking[]> {
  // By the user too, which `any` keeps from being seen as a constant: else PostgreSQL may, for a user with many bookings,
  // go through everybody's by id.
  let query = db
    .selectFrom("bookings")
    .selectAll()
    .where("user_id", "=", sql<string>`any(${[userId]}::text[])`);
  if (before !== undefined) query = query.where("id", "<", before);
  const rows = await query.orderBy("user_id").orderBy("id", "desc").limit(limit).execute();
  return rows.map(toBooking);
}

/** The booking that a key made, read under the concert's lock. */
export async function findBookingByRequestId(
  transaction: Transaction<DB>,
  concertId: bigint,
  userId: string,
  requestId: string,
): Promise<Booking | undefined> {
  const row = await transaction
    .selectFrom("bookings")
    .selectAll()
    .where("concert_id", "=", concertId)
    .where("user_id", "=", userId)
    .where("request_id", "=", requestId)
    .executeTakeFirst();
  return row && toBooking(row);
}

/** What a new booking stores; `now` is the transaction's one instant. */
export interface NewBooking {
  readonly concertId: bigint;
  readonly userId: string;
  readonly ticketCount: number;
  readonly unitPriceCents: number;
  readonly currencyCode: string;
  readonly requestId: string;
  readonly now: Temporal.Instant;
}

/** Inserts a booking of a concert whose lock is held. */
export async function insertBooking(transaction: Transaction<DB>, booking: NewBooking): Promise<Booking> {
  const now = timestamptz(booking.now);
  const row = await transaction
    .insertInto("bookings")
    .values({
      concert_id: booking.concertId,
      user_id: booking.userId,
      ticket_count: booking.ticketCount,
      unit_price: numericFromCents(booking.unitPriceCents),
      total_price: numericFromCents(booking.unitPriceCents * booking.ticketCount),
      currency_code: booking.currencyCode,
      request_id: booking.requestId,
      booking_time: now,
      created_at: now,
      updated_at: now,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  return toBooking(row);
}

/** Marks a confirmed booking, of a concert whose lock is held, as cancelled by a key. */
export async function setBookingCancelled(
  transaction: Transaction<DB>,
  id: bigint,
  cancelRequestId: string,
  now: Temporal.Instant,
): Promise<Booking> {
  const row = await transaction
    .updateTable("bookings")
    .set({ status: "cancelled", cancel_request_id: cancelRequestId, updated_at: timestamptz(now) })
    .where("id", "=", id)
    .where("status", "=", "confirmed")
    .returningAll()
    .executeTakeFirstOrThrow();
  return toBooking(row);
}
