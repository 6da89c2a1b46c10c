/** The statements of a batch, compiled once. They read as few rows of big tables as of small ones. */
import { sql } from "kysely";
import type { BookingKey } from "../../domain/booking.ts";
import type { BookingId, ConcertId } from "../../domain/ids.ts";
import { bookingColumns } from "../bookings.ts";
import { concertColumns } from "../concerts.ts";
import { nowUnderLock } from "../values.ts";
import { prepare, type Slots } from "./prepared.ts";

/** Locks a concert. It reads nothing else: a statement that waited for a lock still sees the snapshot from before the wait. */
export const lockConcert = prepare("frontrow_lock_concert", (db, slot: Slots<{ concertId: ConcertId }>) =>
  db.selectFrom("concerts").select("id").where("id", "=", slot("concertId")).forUpdate(),
);

/** Reads a concert that is locked, and the clock. */
export const readConcert = prepare("frontrow_read_concert", (db, slot: Slots<{ concertId: ConcertId }>) =>
  db.selectFrom("concerts").select(concertColumns).select(nowUnderLock.as("now")).where("id", "=", slot("concertId")),
);

interface BookingKeyRow {
  readonly user_id: string;
  readonly request_id: string;
}

interface KeyColumns {
  readonly concertId: ConcertId;
  readonly userIds: readonly string[];
  readonly requestIds: readonly string[];
}

/** Keys, column by column. */
export function keyColumns(keys: readonly BookingKey[]): Omit<KeyColumns, "concertId"> {
  return { userIds: keys.map(({ userId }) => userId), requestIds: keys.map(({ requestId }) => requestId) };
}

/** A literal, so that a kept plan relies on it. */
const one = sql.lit(1);

/**
 * Finds the bookings of a concert by their keys. For each key it reads the first row from the key on, in the order of
 * `bookings_request_key`, and keeps the row if its key is equal. Only that index has this order, whatever PostgreSQL's
 * statistics say: for an equality it may choose the index of users and read all bookings of one user. With an upper bound
 * PostgreSQL below 18 would read the concert's keys to the end, since it does not stop at the bound of a row comparison.
 */
export const findByKeys = prepare("frontrow_find_bookings_by_keys", (db, slot: Slots<KeyColumns>) =>
  db
    .selectFrom(
      sql<BookingKeyRow>`unnest(${slot("userIds")}::text[], ${slot("requestIds")}::uuid[])`.as<"keys">(
        sql`keys(user_id, request_id)`,
      ),
    )
    .innerJoinLateral(
      (from) =>
        from
          .selectFrom("bookings")
          .select(bookingColumns)
          .where(({ eb, ref, refTuple, tuple }) => {
            const wanted = tuple(slot("concertId"), ref("keys.user_id"), ref("keys.request_id"));
            return eb(refTuple("concert_id", "user_id", "request_id"), ">=", wanted);
          })
          .orderBy("concert_id")
          .orderBy("user_id")
          .orderBy("request_id")
          .limit(one)
          .as("bookings"),
      (join) =>
        join
          .on("bookings.concert_id", "=", slot("concertId"))
          .onRef("bookings.user_id", "=", "keys.user_id")
          .onRef("bookings.request_id", "=", "keys.request_id"),
    )
    .selectAll("bookings"),
);

/** Finds bookings of a concert, each by its id alone, however few bookings PostgreSQL estimates for the concert. */
export const findByIds = prepare(
  "frontrow_find_bookings_by_ids",
  (db, slot: Slots<{ concertId: ConcertId; ids: readonly BookingId[] }>) =>
    db
      .selectFrom(sql<{ id: bigint }>`unnest(${slot("ids")}::bigint[])`.as<"wanted">(sql`wanted(id)`))
      .innerJoinLateral(
        (from) =>
          from
            .selectFrom("bookings")
            .select(bookingColumns)
            .whereRef("bookings.id", "=", "wanted.id")
            .limit(one)
            .as("bookings"),
        (join) => join.onTrue(),
      )
      .selectAll("bookings")
      .where("bookings.concert_id", "=", slot("concertId")),
);

/** Sets the tickets that a concert has left. */
export const setAvailable = prepare(
  "frontrow_set_available_tickets",
  (db, slot: Slots<{ concertId: ConcertId; availableTickets: number }>) =>
    db
      .updateTable("concerts")
      .set({ available_tickets: slot("availableTickets") })
      .where("id", "=", slot("concertId")),
);

/** New bookings, column by column. */
export interface NewBookingColumns extends KeyColumns {
  readonly ticketCounts: readonly number[];
  /** The actor of each. Where there is none it is the user. */
  readonly actors: readonly string[];
  readonly unitPrice: string;
  readonly currencyCode: string;
  readonly now: string;
}

/** Inserts bookings of one concert at one price, and returns their ids with their keys. */
export const insertBookings = prepare("frontrow_insert_bookings", (db, slot: Slots<NewBookingColumns>) =>
  db
    .insertInto("bookings")
    .columns([
      ...(["concert_id", "user_id", "ticket_count", "unit_price", "total_price", "currency_code"] as const),
      ...(["request_id", "booked_by", "booking_time", "created_at", "updated_at"] as const),
    ])
    .expression(
      sql`select ${slot("concertId")}::bigint, user_id, ticket_count, unit_price, unit_price * ticket_count,
        ${slot("currencyCode")}::text, request_id, coalesce(actor, user_id), now, now, now
        from unnest(${slot("userIds")}::text[], ${slot("ticketCounts")}::int[], ${slot("requestIds")}::uuid[],
          ${slot("actors")}::text[]) as bookings (user_id, ticket_count, request_id, actor),
        (select ${slot("unitPrice")}::numeric as unit_price, ${slot("now")}::timestamptz as now) as batch`,
    )
    .returning(["id", "user_id", "request_id"]),
);

/** Cancellations, column by column. */
export interface CancelColumns {
  readonly ids: readonly BookingId[];
  readonly requestIds: readonly string[];
  /** The actor of each. Where there is none it is the user. */
  readonly actors: readonly string[];
  readonly now: string;
}

/** Marks confirmed bookings as cancelled, each by its key. */
export const cancelBookings = prepare("frontrow_cancel_bookings", (db, slot: Slots<CancelColumns>) =>
  db
    .updateTable("bookings")
    .from(
      sql<{
        id: bigint;
        request_id: string;
        actor: string | null;
      }>`unnest(${slot("ids")}::bigint[], ${slot("requestIds")}::uuid[], ${slot("actors")}::text[])`.as<"cancels">(
        sql`cancels(id, request_id, actor)`,
      ),
    )
    .set({
      status: "cancelled",
      cancel_request_id: sql<string>`cancels.request_id`,
      cancelled_by: sql<string>`coalesce(cancels.actor, bookings.user_id)`,
      updated_at: sql<Temporal.Instant>`${slot("now")}::timestamptz`,
    })
    .whereRef("bookings.id", "=", "cancels.id")
    .where("bookings.status", "=", "confirmed"),
);
