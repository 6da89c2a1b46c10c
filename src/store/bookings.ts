import { type Kysely, type Selectable, sql } from "kysely";
import type { Booking, BookingStatus } from "../domain/booking.ts";
import { type BookingId, bookingIdOf, concertIdOf } from "../domain/ids.ts";
import type { Bookings, DB } from "./tables.ts";
import { centsFromNumeric } from "./values.ts";

/** Named one by one: a kept statement that reads `*` fails after another instance's migration has added a column. */
export const bookingColumns = [
  "id",
  "concert_id",
  "user_id",
  "ticket_count",
  "requested_count",
  "booking_time",
  "status",
  "hold_expires_time",
  "payment_reference",
  "unit_price",
  "total_price",
  "currency_code",
  "request_id",
  "cancel_request_id",
  "created_at",
  "updated_at",
] as const;

type BookingRow = Pick<Selectable<Bookings>, (typeof bookingColumns)[number]>;

export function toBooking(row: BookingRow): Booking {
  return {
    id: bookingIdOf(row.id),
    concertId: concertIdOf(row.concert_id),
    userId: row.user_id,
    ticketCount: row.ticket_count,
    requestedCount: row.requested_count ?? row.ticket_count,
    bookingTime: row.booking_time,
    // A CHECK allows no other value.
    status: row.status as BookingStatus,
    holdExpiresTime: row.hold_expires_time ?? undefined,
    paymentReference: row.payment_reference ?? undefined,
    unitPriceCents: centsFromNumeric(row.unit_price),
    totalPriceCents: centsFromNumeric(row.total_price),
    currencyCode: row.currency_code,
    requestId: row.request_id,
    cancelRequestId: row.cancel_request_id ?? undefined,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

export async function findBooking(db: Kysely<DB>, id: BookingId): Promise<Booking | undefined> {
  const row = await db.selectFrom("bookings").select(bookingColumns).where("id", "=", id).executeTakeFirst();
  return row && toBooking(row);
}

/** Up to `limit` bookings of a user that are older than `before`, the newest first. */
export async function listUserBookings(
  db: Kysely<DB>,
  userId: string,
  before: BookingId | undefined,
  limit: number,
): Promise<Booking[]> {
  // Ordered by the user too, which `any` hides from the planner as a constant: otherwise PostgreSQL may, for a user with many
  // bookings, scan the bookings of all users by id.
  let query = db
    .selectFrom("bookings")
    .select(bookingColumns)
    .where("user_id", "=", sql<string>`any(${[userId]}::text[])`);
  if (before !== undefined) query = query.where("id", "<", before);
  const rows = await query.orderBy("user_id").orderBy("id", "desc").limit(limit).execute();
  return rows.map(toBooking);
}
