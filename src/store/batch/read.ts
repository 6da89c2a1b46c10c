/** The statements that read what a batch decides on, compiled once. They read as few rows of big tables as of small ones. */
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

/** Reads a concert that is locked, and the clock, and takes ids for new bookings. */
export const readConcert = prepare(
  "frontrow_read_concert",
  (db, slot: Slots<{ concertId: ConcertId; newIds: number }>) =>
    db
      .selectFrom("concerts")
      .select(concertColumns)
      .select(nowUnderLock.as("now"))
      .select(
        sql<
          string[]
        >`array(select nextval('bookings_id_seq')::text from generate_series(1, ${slot("newIds")}::int))`.as("new_ids"),
      )
      .where("id", "=", slot("concertId")),
);

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
 * statistics say. For a plain join it may read all bookings of the concert, and compare each with all keys.
 */
export const findByKeys = prepare("frontrow_find_bookings_by_keys", (db, slot: Slots<KeyColumns>) =>
  db
    .selectFrom(
      sql<{
        user_id: string;
        request_id: string;
      }>`unnest(${slot("userIds")}::text[], ${slot("requestIds")}::uuid[])`.as<"keys">(sql`keys(user_id, request_id)`),
    )
    .innerJoinLateral(
      (from) =>
        from
          .selectFrom("bookings")
          .select(bookingColumns)
          .where("concert_id", "=", slot("concertId"))
          .where(({ eb, ref, refTuple, tuple }) =>
            eb(
              refTuple("bookings.user_id", "bookings.request_id"),
              ">=",
              tuple(ref("keys.user_id"), ref("keys.request_id")),
            ),
          )
          .orderBy("user_id")
          .orderBy("request_id")
          .limit(one)
          .as("bookings"),
      (join) =>
        join.onRef("bookings.user_id", "=", "keys.user_id").onRef("bookings.request_id", "=", "keys.request_id"),
    )
    .selectAll("bookings"),
);

/** Finds bookings of a concert by their ids, in the same way by its primary key. */
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
            .where("concert_id", "=", slot("concertId"))
            .whereRef("bookings.id", ">=", "wanted.id")
            .whereRef("bookings.id", "<=", "wanted.id")
            .orderBy("bookings.id")
            .limit(one)
            .as("bookings"),
        (join) => join.onRef("bookings.id", "=", "wanted.id"),
      )
      .selectAll("bookings"),
);

const holdColumns = ["id", "ticket_count", "hold_expires_time"] as const;

/**
 * Reads the holds of a locked concert that are due, the earliest first, at most `maxDue`, and the next one if it is due within
 * a second: no longer is it of interest, and the index may have many dead entries from there on. The clock is read after that
 * of `readConcert`, so that no hold is missed that is due by then.
 */
export const readHolds = prepare("frontrow_read_holds", (db, slot: Slots<{ concertId: ConcertId; maxDue: number }>) => {
  const holds = db
    .selectFrom("bookings")
    .select(holdColumns)
    .where("concert_id", "=", slot("concertId"))
    .where("status", "=", sql.lit("held"))
    .where(({ exists, selectFrom }) =>
      exists(selectFrom("concerts").where("id", "=", slot("concertId")).where("held_tickets", ">", sql.lit(0))),
    )
    .orderBy("hold_expires_time");
  const now = sql<Temporal.Instant>`(select now from clock)`;
  return db
    .with(
      (cte) => cte("clock").materialized(),
      (from) => from.selectNoFrom(nowUnderLock.as("now")),
    )
    .selectFrom(holds.where("hold_expires_time", "<=", now).limit(slot("maxDue")).as("due"))
    .selectAll()
    .unionAll(
      db
        .selectFrom(
          holds
            .where("hold_expires_time", ">", now)
            .where("hold_expires_time", "<=", sql<Temporal.Instant>`(select now + interval '1 second' from clock)`)
            .limit(one)
            .as("next"),
        )
        .selectAll(),
    );
});

/** How many of a user's bookings may end within a batch. What is read beyond the limit proves it all the same. */
const maxEndedRows = sql.lit(512);

/**
 * Sums what users have of a locked concert: confirmed tickets if the concert has a limit, and held ones, by the instants of
 * their expiry, if it has a limit or `countsHolds` is true. Holds are read first, by the order of `bookings_live_idx`, without
 * those that were due when the transaction began. Each row is a ticket at least, so that of a user far beyond the limit not all
 * rows are needed.
 */
export const readUserTickets = prepare(
  "frontrow_read_user_tickets",
  (db, slot: Slots<{ concertId: ConcertId; userIds: readonly string[]; countsHolds: boolean }>) =>
    db
      .selectFrom(sql<{ user_id: string }>`unnest(${slot("userIds")}::text[])`.as<"users">(sql`users(user_id)`))
      .innerJoinLateral(
        (from) =>
          from
            .selectFrom("bookings")
            .select(["user_id", "status", "ticket_count"])
            .select(
              sql<Temporal.Instant | null>`case when status = 'held' then hold_expires_time end`.as(
                "hold_expires_time",
              ),
            )
            .where("concert_id", "=", slot("concertId"))
            .whereRef("bookings.user_id", "=", "users.user_id")
            .where("status", "in", [sql.lit("held"), sql.lit("confirmed")])
            .where(({ eb, or }) =>
              or([eb("status", "=", sql.lit("confirmed")), eb("hold_expires_time", ">", sql<Temporal.Instant>`now()`)]),
            )
            .where(
              "status",
              ">=",
              sql<string>`(select case
                  when max_tickets_per_user is not null then 'confirmed'
                  when ${slot("countsHolds")}::boolean then 'held'
                end from concerts where id = ${slot("concertId")})`,
            )
            .orderBy("status", "desc")
            .limit(
              sql<number>`(select coalesce(max_tickets_per_user, 0) + ${maxEndedRows}
                from concerts where id = ${slot("concertId")})`,
            )
            .as("bookings"),
        (join) => join.onTrue(),
      )
      .select(["bookings.user_id", "bookings.status", "bookings.hold_expires_time"])
      .select(sql<number>`sum(bookings.ticket_count)::int`.as("ticket_count"))
      .select(sql<number>`count(*)::int`.as("bookings"))
      .groupBy(["bookings.user_id", "bookings.status", "bookings.hold_expires_time"]),
);
