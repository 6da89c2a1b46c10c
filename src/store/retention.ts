/** Deletions of old rows, a bounded number at a time. Repeating one deletes more of the same. */
import { type Kysely, sql } from "kysely";
import type { DB } from "./tables.ts";

/** How many rows to delete at most. */
const chunkRows = 1_000;

/** Deletes holds that ended without a confirmation so long ago. Returns whether there may be more. */
export async function deleteEndedHolds(db: Kysely<DB>, ageMs: number): Promise<boolean> {
  const { rows } = await sql`with old as (
      select concert_id, id from bookings
      where status in ('expired', 'released') and updated_at < ${before(ageMs)}
      order by updated_at limit ${sql.lit(chunkRows)}
    )
    delete from bookings using old
    where bookings.concert_id = old.concert_id and bookings.id = old.id and bookings.status in ('expired', 'released')
    returning 1`.execute(db);
  return rows.length === chunkRows;
}

/** Deletes the evidence of batches that committed so long ago. Returns whether there may be more. */
export async function deleteOldBatches(db: Kysely<DB>, ageMs: number): Promise<boolean> {
  const { rows } = await sql`with old as (
      select concert_id, id from batches where committed_at < ${before(ageMs)}
      order by committed_at limit ${sql.lit(chunkRows)}
    )
    delete from batches using old where batches.concert_id = old.concert_id and batches.id = old.id
    returning 1`.execute(db);
  return rows.length === chunkRows;
}

function before(ageMs: number) {
  return sql`now() - ${ageMs}::double precision * interval '1 millisecond'`;
}
