/**
 * Measures how long the migration to holds stops bookings: on a database with a million bookings, on the oldest PostgreSQL
 * that Frontrow supports and on the newest. Prints the seconds under lock, whole and by statement, and fails if they exceed
 * the lock timeout, after which a waiting booking fails. Takes about a minute. `-- prepared` builds the indexes beforehand that
 * can be built while bookings run.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Binaries, binariesOf, startTemporaryPostgres } from "@frontrow/embedded-postgres";
import pg from "pg";
import { oldestMajor } from "../src/store/server-checks.ts";
import { oldestPackage, skipMajor } from "../test/support/database/majors.ts";

const folder = join(import.meta.dirname, "..", "db", "migrations");
const migration = "0006_holds.sql";
/** The default of APP_LOCK_TIMEOUT. */
const lockTimeoutMs = 5_000;
/** Statements that take less are not printed. */
const leastMs = 10;

/** Concerts 1 to 5 have 50,000 bookings each, the other bookings are those of 2,048 concerts. */
const load = `
  INSERT INTO concerts (name, artist, venue, concert_date, total_tickets, available_tickets, price, booking_start_time,
    booking_end_time, request_id, request_digest)
  SELECT 'Concert ' || n, 'Artist ' || n % 900, 'Hall ' || n % 90, timestamptz '2026-01-01 00:00Z' + n * interval '1 hour',
    1000000, 500000, 25, '2020-01-01 00:00Z', '2099-01-01 00:00Z', gen_random_uuid(), sha256(n::text::bytea)
  FROM generate_series(1, 10000) AS n;

  SET session_replication_role = replica;
  INSERT INTO bookings (concert_id, user_id, ticket_count, unit_price, total_price, currency_code, booking_time, status,
    request_id, cancel_request_id, booked_by, cancelled_by)
  SELECT CASE WHEN n % 4 = 0 THEN 1 + n / 4 % 5 ELSE 6 + (hashint8(n) & 2047) END, 'user-' || (hashint8(n) & 262143),
    1 + n % 4, 25, 25 * (1 + n % 4), 'USD', now(), CASE WHEN n % 10 = 3 THEN 'cancelled' ELSE 'confirmed' END,
    gen_random_uuid(), CASE WHEN n % 10 = 3 THEN gen_random_uuid() END, 'user', CASE WHEN n % 10 = 3 THEN 'user' END
  FROM generate_series(1, 1000000) AS n;

  INSERT INTO audit_entries (occurred_at, actor, actor_address, action, concert_id, booking_id, before, after)
  SELECT now(), 'admin-' || n % 20, '192.0.2.1',
    CASE WHEN n <= 10000 THEN 'concert.create' WHEN n % 3 = 0 THEN 'booking.cancel' ELSE 'booking.create' END,
    CASE WHEN n <= 10000 THEN n ELSE 1 + n % 2048 END, CASE WHEN n > 10000 THEN n END,
    CASE WHEN n > 10000 AND n % 3 = 0 THEN jsonb_build_object('id', n, 'status', 'confirmed') END,
    jsonb_build_object('id', n, 'status', 'confirmed', 'user_id', 'user-' || n, 'unit_price', '25.00')
  FROM generate_series(1, 300000) AS n;
  RESET session_replication_role`;

/** The statements of a migration that has a semicolon only at their ends and between $$. */
function statementsOf(text: string): string[] {
  const code = text.replaceAll(/^ *--.*\n/gm, "");
  return (code.match(/(?:\$\$.*?\$\$|[^;])+(?=;)/gs) ?? []).map((statement) => statement.trim());
}

/** The same index, built while bookings run. */
function concurrentIndex(statement: string): string[] {
  const index = /^CREATE INDEX IF NOT EXISTS (.*)$/s.exec(statement.trim());
  return index ? [`CREATE INDEX CONCURRENTLY ${index[1]}`] : [];
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const beganAtMs = performance.now();
  await work();
  return performance.now() - beganAtMs;
}

/** Returns for how long bookings were stopped. */
async function migrate(session: pg.Client, statements: readonly string[], version: string): Promise<number> {
  const durations: [statement: string, ms: number][] = [];
  const run = async (statement: string) =>
    void durations.push([statement, await timed(() => session.query(statement))]);
  await run("BEGIN");
  for (const statement of statements) await run(statement);
  await run("COMMIT");
  const locked = durations.findIndex(([statement]) => statement.startsWith("LOCK TABLE"));
  if (locked < 0) throw new Error(`${migration} locks no table`);
  const totalMs = durations.slice(locked + 1).reduce((sum, [, ms]) => sum + ms, 0);
  say(`PostgreSQL ${version}: ${(totalMs / 1_000).toFixed(2)} s under lock`);
  for (const [statement, ms] of durations.slice(locked).filter(([, ms]) => ms >= leastMs)) {
    say(`  ${(ms / 1_000).toFixed(2)} s  ${statement.split("\n")[0]}`);
  }
  return totalMs;
}

async function tryOn(binaries?: Binaries): Promise<void> {
  const settings = { max_wal_size: "4GB" };
  await using postgres = await startTemporaryPostgres({ name: "frontrow", settings, ...(binaries && { binaries }) });
  const session = new pg.Client({ connectionString: postgres.url });
  await session.connect();
  try {
    const files = (await readdir(folder)).filter((file) => file.endsWith(".sql") && file < migration).sort();
    for (const file of files) await session.query(`BEGIN; ${await readFile(join(folder, file), "utf8")}; COMMIT`);
    await session.query(load);
    const statements = statementsOf(await readFile(join(folder, migration), "utf8"));
    const before = process.argv.includes("prepared") ? statements.flatMap(concurrentIndex) : [];
    for (const statement of [...before, "VACUUM ANALYZE", "CHECKPOINT"]) await session.query(statement);
    const { rows } = await session.query<{ server_version: string }>("SHOW server_version");
    if ((await migrate(session, statements, rows[0]?.server_version ?? "")) > lockTimeoutMs) process.exitCode = 1;
  } finally {
    await session.end();
  }
}

const oldest = await binariesOf(oldestPackage).catch(() => undefined);
if (oldest) await tryOn(oldest);
else skipMajor(oldestMajor);
await tryOn();
