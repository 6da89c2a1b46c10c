/** The statements of a batch, compiled once. They look at as few rows of big tables as of small ones. */
import { sql } from "kysely";
import { bookingColumns } from "../bookings.ts";
import { concertColumns } from "../concerts.ts";
import { underLock } from "../values.ts";
import { prepare } from "./prepared.ts";

/** Locks a concert and reads nothing of it: it sees the state from before the wait. */
export const lockConcert = prepare<{ id: bigint }>("frontrow_lock_concert", (db, parameter) =>
  db.selectFrom("concerts").select("id").where("id", "=", parameter("id")).forUpdate(),
);

/** Reads a concert that is locked, and the clock. */
export const readConcert = prepare<{ id: bigint }>("frontrow_read_concert", (db, parameter) =>
  db.selectFrom("concerts").select(concertColumns).select(underLock.now.as("now")).where("id", "=", parameter("id")),
);

interface BookingKeyRow {
  readonly user_id: string;
  readonly request_id: string;
}

interface KeyColumns {
  readonly concertId: bigint;
  readonly userIds: readonly string[];
  readonly requestIds: readonly string[];
}

/** Written out, so that a plan that is kept counts on it. */
const one = sql.lit(1);

/**
 * Finds the bookings of a concert by their keys. For each key the first row from it on is read, in the order of
 * `bookings_request_key`, and kept if it is the one. Only that index has the order, whatever statistics PostgreSQL has:
 * by equality it may choose the index of users and read all bookings of one. A bound from above would make PostgreSQL
 * below 18 read the concert's keys up to the end, since it does not stop at the bound of a row comparison.
 */
export const findByKeys = prepare<KeyColumns>("frontrow_find_bookings_by_keys", (db, parameter) =>
  db
    .selectFrom(
      sql<BookingKeyRow>`unnest(${parameter("userIds")}::text[], ${parameter("requestIds")}::uuid[])`.as<"keys">(
        sql`keys(user_id, request_id)`,
      ),
    )
    .innerJoinLateral(
      (from) =>
        from
          .selectFrom("bookings")
          .select(bookingColumns)
          .where(({ eb, ref, refTuple, tuple }) => {
            const wanted = tuple(parameter("concertId"), ref("keys.user_id"), ref("keys.request_id"));
            return eb(refTuple("concert_id", "user_id", "request_id"), ">=", wanted);
          })
          .orderBy("concert_id")
          .orderBy("user_id")
          .orderBy("request_id")
          .limit(one)
          .as("bookings"),
      (join) =>
        join
          .on("bookings.concert_id", "=", parameter("concertId"))
          .onRef("bookings.user_id", "=", "keys.user_id")
          .onRef("bookings.request_id", "=", "keys.request_id"),
    )
    .selectAll("bookings"),
);

/** Finds bookings of a concert, each by its id alone, however few bookings PostgreSQL thinks the concert has. */
export const findByIds = prepare<{ concertId: bigint; ids: readonly bigint[] }>(
  "frontrow_find_bookings_by_ids",
  (db, parameter) =>
    db
      .selectFrom(sql<{ id: bigint }>`unnest(${parameter("ids")}::bigint[])`.as<"wanted">(sql`wanted(id)`))
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
      .where("bookings.concert_id", "=", parameter("concertId")),
);

/** Sets the tickets that a concert has left. */
export const setAvailable = prepare<{ id: bigint; availableTickets: number }>(
  "frontrow_set_available_tickets",
  (db, parameter) =>
    db
      .updateTable("concerts")
      .set({ available_tickets: parameter("availableTickets") })
      .where("id", "=", parameter("id")),
);

/** New bookings, column by column. */
export interface NewBookingColumns extends KeyColumns {
  readonly ticketCounts: readonly number[];
  /** Who booked each; the user where there is none. */
  readonly actors: readonly string[];
  readonly unitPrice: string;
  readonly currencyCode: string;
  readonly now: string;
}

/** Inserts bookings of one concert at one price, and returns their ids with their keys. */
export const insertBookings = prepare<NewBookingColumns>("frontrow_insert_bookings", (db, parameter) =>
  db
    .insertInto("bookings")
    .columns([
      ...(["concert_id", "user_id", "ticket_count", "unit_price", "total_price", "currency_code"] as const),
      ...(["request_id", "booked_by", "booking_time", "created_at", "updated_at"] as const),
    ])
    .expression(
      sql`select ${parameter("concertId")}::bigint, user_id, ticket_count, unit_price, unit_price * ticket_count,
        ${parameter("currencyCode")}::text, request_id, coalesce(actor, user_id), now, now, now
        from unnest(${parameter("userIds")}::text[], ${parameter("ticketCounts")}::int[], ${parameter("requestIds")}::uuid[],
          ${parameter("actors")}::text[]) as bookings (user_id, ticket_count, request_id, actor),
        (select ${parameter("unitPrice")}::numeric as unit_price, ${parameter("now")}::timestamptz as now) as batch`,
    )
    .returning(["id", "user_id", "request_id"]),
);

/** Cancels, column by column. */
export interface CancelColumns {
  readonly ids: readonly bigint[];
  readonly requestIds: readonly string[];
  /** Who cancelled each; its user where there is none. */
  readonly actors: readonly string[];
  readonly now: string;
}

/** Marks confirmed bookings as cancelled, each by its key. */
export const cancelBookings = prepare<CancelColumns>("frontrow_cancel_bookings", (db, parameter) =>
  db
    .updateTable("bookings")
    .from(
      sql<{
        id: bigint;
        request_id: string;
        actor: string | null;
      }>`unnest(${parameter("ids")}::bigint[], ${parameter("requestIds")}::uuid[], ${parameter("actors")}::text[])`.as<"cancels">(
        sql`cancels(id, request_id, actor)`,
      ),
    )
    .set({
      status: "cancelled",
      cancel_request_id: sql<string>`cancels.request_id`,
      cancelled_by: sql<string>`coalesce(cancels.actor, bookings.user_id)`,
      updated_at: sql<Temporal.Instant>`${parameter("now")}::timestamptz`,
    })
    .whereRef("bookings.id", "=", "cancels.id")
    .where("bookings.status", "=", "confirmed"),
);
