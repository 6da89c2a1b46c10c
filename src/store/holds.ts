import { type Kysely, sql } from "kysely";
import { type ConcertId, concertIdOf } from "../domain/ids.ts";
import type { DB } from "./tables.ts";

/** How many holds that are due to read at most, in search of their concerts. */
const maxHolds = 10_000;

/**
 * Concerts with holds that are due by the database's clock, without those that are known: the concerts of the holds that are
 * due longest.
 */
export async function findConcertsWithDueHolds(db: Kysely<DB>, known: readonly ConcertId[]): Promise<ConcertId[]> {
  const rows = await db
    .selectFrom((from) =>
      from
        .selectFrom("bookings")
        .select("concert_id")
        .where("status", "=", sql.lit("held"))
        // The condition of bookings_due_idx, by which PostgreSQL may choose the index.
        .where("hold_expires_time", ">", sql<Temporal.Instant>`'-infinity'`)
        .where("hold_expires_time", "<=", sql<Temporal.Instant>`now()`)
        .where("concert_id", "!=", sql<bigint>`all(${known}::bigint[])`)
        .orderBy("hold_expires_time")
        .limit(maxHolds)
        .as("due"),
    )
    .select("concert_id")
    .distinct()
    .execute();
  return rows.map(({ concert_id }) => concertIdOf(concert_id));
}
