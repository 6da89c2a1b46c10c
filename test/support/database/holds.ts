/** The tickets of holds as they are stored, and holds whose end no test waits for. */
import type { TestDatabase } from "./database.ts";

type Database = Pick<TestDatabase, "query">;

/** What a concert has left and held. */
export async function ticketsOf({ query }: Database, { id }: { readonly id: bigint }) {
  const [row] = await query<{ available: number; held: number }>(
    "SELECT available_tickets AS available, held_tickets AS held FROM concerts WHERE id = $1",
    [id],
  );
  return row;
}

/**
 * Moves a hold's end into the past, by an interval of PostgreSQL. Until a batch expires it, its status stays HELD. With the
 * concert's lock, so that a batch sees either end.
 */
export async function makeDue({ query }: Database, { id }: { readonly id: bigint }, ago = "1 second"): Promise<void> {
  await query(
    `WITH locked AS (
       SELECT id FROM concerts WHERE id = (SELECT concert_id FROM bookings WHERE id = $1) FOR UPDATE)
     UPDATE bookings SET hold_expires_time = now() - $2::interval
     WHERE id = $1 AND concert_id = (SELECT id FROM locked)`,
    [id, ago],
  );
}
