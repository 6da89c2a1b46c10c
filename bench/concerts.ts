/** Concerts that a run writes by SQL, also into databases of checkouts from before holds. */
import type { BenchDatabase } from "./postgres.ts";

/** Inserts open concerts with so many tickets. `columns` are numbers in place of the defaults. */
export async function insertConcerts(
  database: BenchDatabase,
  count: number,
  tickets: number,
  columns: Readonly<Record<string, number>> = {},
): Promise<bigint[]> {
  const own = { ...columns, ...(await keyColumns(database)) };
  const names = Object.keys(own).map((name) => `, ${name}`);
  const values = Object.values(own).map((value) => `, ${value}`);
  const rows = await database.query<{ id: string }>(
    `insert into concerts (name, artist, venue, concert_date, total_tickets, available_tickets, price,
       booking_start_time, booking_end_time${names.join("")})
     select 'Night ' || number, 'The Benchmarks', 'Hall 1', now() + interval '30 days', $2::int, $2::int, 50,
       now() - interval '1 day', now() + interval '1 day'${values.join("")}
     from generate_series(1, $1::int) as number returning id`,
    [count, tickets],
  );
  return rows.map(({ id }) => BigInt(id));
}

/** The key of a creation, which is required where it is in the concert's row. */
async function keyColumns(database: BenchDatabase): Promise<Record<string, string>> {
  const found = await database.query(
    "select from information_schema.columns where table_name = 'concerts' and column_name = 'request_id'",
  );
  return found.length > 0 ? { request_id: "gen_random_uuid()", request_digest: "sha256('')" } : {};
}
