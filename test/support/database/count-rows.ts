import type { TestDatabase } from "./database.ts";

/** The numbers of concerts and bookings, and of rows that a call has changed. */
export async function countRows(database: Pick<TestDatabase, "query">) {
  const [counts] = await database.query<{ concerts: number; bookings: number; changed: number }>(
    `SELECT (SELECT count(*)::int FROM concerts) AS concerts, (SELECT count(*)::int FROM bookings) AS bookings,
       (SELECT count(*)::int FROM concerts WHERE version > 1) + (SELECT count(*)::int FROM bookings WHERE updated_at > created_at)
         AS changed`,
  );
  if (!counts) throw new Error("nothing counted");
  return counts;
}
