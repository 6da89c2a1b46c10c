import { type Kysely, type Selectable, sql } from "kysely";
import type { Booking, BookingStatus } from "../domain/booking.ts";
import { type BookingId, bookingIdOf, type ConcertId, concertIdOf } from "../domain/ids.ts";
import { type Page, pageOf } from "../domain/page.ts";
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

/**
 * How many bookings one call scans for wanted statuses. After that the page is short and has a token: a status that is rare
 * must not scan all bookings of a concert.
 */
const stretchRows = 1_000;

/** Whose bookings to list. */
type ListedBookings = { readonly userId: string } | { readonly concertId: ConcertId };

/**
 * A page of bookings that are older than `before`, the newest first, at most `pageSize` of them; with any status if none is
 * given. It touches a bounded number of rows.
 */
export async function listBookings(
  db: Kysely<DB>,
  listed: ListedBookings,
  statuses: readonly BookingStatus[],
  before: BookingId | undefined,
  pageSize: number,
): Promise<Page<Booking, BookingId>> {
  const limit = pageSize + 1;
  const length = statuses.length === 0 ? limit : stretchRows;
  // Ordered by the user or concert too, which `any` hides from the planner as a constant: otherwise PostgreSQL may, for one
  // with many bookings, scan all bookings by id.
  const [owner, direction, value] =
    "userId" in listed
      ? (["user_id", "asc", sql<string>`any(${[listed.userId]}::text[])`] as const)
      : (["concert_id", "desc", sql<bigint>`any(${[listed.concertId]}::bigint[])`] as const);
  const stretch = db
    .selectFrom("bookings")
    .select(bookingColumns)
    .select((eb) => [
      (statuses.length === 0 ? sql<boolean>`true` : sql<boolean>`status = any(${statuses}::text[])`).as("isMatch"),
      // Rows are numbered while they are read, which stops at the outer limit.
      eb(
        eb.fn.agg("row_number").over((over) => over.orderBy(owner, direction).orderBy("id", "desc")),
        "=",
        length,
      ).as("isEnd"),
    ])
    .where(owner, "=", value)
    .where((eb) => (before === undefined ? eb.lit(true) : eb("id", "<", before)))
    .orderBy(owner, direction)
    .orderBy("id", "desc")
    // Hidden from the planner, which then expects a tenth of the rows to be read. If it expected all, because it has no
    // recent statistics of a concert that sells fast, it might read and sort them.
    .limit(sql<number>`(select ${length}::int)`);
  const rows = await db
    .selectFrom(stretch.as("stretch"))
    .selectAll()
    .where((eb) => eb.or([eb("isMatch", "=", true), eb("isEnd", "=", true)]))
    .orderBy(owner, direction)
    .orderBy("id", "desc")
    .limit(limit)
    .execute();
  const matches = rows.filter((row) => row.isMatch).map(toBooking);
  const last = rows.at(-1);
  if (matches.length > pageSize || !last?.isEnd) return pageOf(matches, pageSize, ({ id }) => id);
  return { items: matches, next: bookingIdOf(last.id) };
}
