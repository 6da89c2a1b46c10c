/** Backups by pg_dump, as docs/operations.md has them: while bookings go on, and compared row by row. */
import { execFile, spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { binariesOf, type EmbeddedPostgres, startTemporaryPostgres } from "@frontrow/embedded-postgres";
import pg from "pg";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { createTally, rush } from "../bench/loadtest/crowd.ts";
import { readOptions } from "../bench/loadtest/options.ts";
import { BookingService } from "../gen/frontrow/v1/booking_service_pb.ts";
import { oldestMajor } from "../src/store/server-checks.ts";
import { databaseTools, type TestDatabase } from "./support/database/database.ts";
import { oldestPackage } from "./support/database/majors.ts";
import { startTestService } from "./support/service/service.ts";
import { createStage } from "./support/service/stage.ts";

/** pg_restore 17 and newer sets a parameter that PostgreSQL 15, the server of these tests, does not have. */
const newestDumper = 16;
const dumper = spawnSync("pg_dump", ["--version"], { encoding: "utf8" });
const dumperMajor = Number(/ (\d+)\./.exec(dumper.stdout ?? "")?.[1]);
const hasPgDump = dumperMajor >= oldestMajor && dumperMajor <= newestDumper;
const skip = (why: string) => process.stderr.write(`\ntests: SKIPPED: backups: ${why}\n\n`);
if (!hasPgDump) skip(`pg_dump ${oldestMajor} or ${newestDumper} is not installed`);
const binaries = await binariesOf(oldestPackage).catch(() => undefined);
if (!binaries) skip(`${oldestPackage} is not installed (npm has it for linux-x64)`);
const canRun = hasPgDump && binaries !== undefined;

let server: EmbeddedPostgres;
let folder: string;

beforeAll(async () => {
  if (!canRun) return;
  folder = await mkdtemp(join(tmpdir(), "frontrow-backup-"));
  server = await startTemporaryPostgres({ name: "frontrow-backup", binaries });
});
afterAll(async () => {
  await server?.stop();
  if (folder) await rm(folder, { recursive: true, force: true });
});

function databaseNamed(name: string): TestDatabase {
  const url = new URL(server.url);
  url.pathname = `/${name}`;
  const connect = async () => {
    const client = new pg.Client({ connectionString: url.href });
    await client.connect();
    return client;
  };
  const query = async <Row extends object>(text: string, values: unknown[] = []) => {
    const client = await connect();
    return (await client.query<Row>(text, values).finally(() => client.end())).rows;
  };
  return { url: url.href, connect, ...databaseTools(query, async () => {}) };
}

async function createDatabase(name: string): Promise<TestDatabase> {
  await databaseNamed("postgres").query(
    `CREATE DATABASE ${name} ENCODING 'UTF8' LC_CTYPE 'C.UTF-8' TEMPLATE template0`,
  );
  return databaseNamed(name);
}

const dump = (database: TestDatabase, file: string) =>
  promisify(execFile)("pg_dump", ["--format=custom", `--file=${file}`, database.url]);

async function restore(file: string, name: string): Promise<TestDatabase> {
  const restored = await createDatabase(name);
  await promisify(execFile)("pg_restore", [
    "--exit-on-error",
    "--single-transaction",
    `--dbname=${restored.url}`,
    file,
  ]);
  return restored;
}

/** The rows of each table, by its name. */
async function countRows({ query }: TestDatabase): Promise<Record<string, string>> {
  const tables = await query<{ name: string }>(
    "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename",
  );
  const counts = tables.map(async ({ name }) => {
    const [row] = await query<{ count: string }>(`SELECT count(*) FROM ${name}`);
    return [name, row?.count ?? ""] as const;
  });
  return Object.fromEntries(await Promise.all(counts));
}

test.skipIf(!canRun)("a restored backup has every row, and the service continues on it", async () => {
  await using database = await createDatabase("tickets");
  const service = await startTestService({}, database);
  const stage = createStage(service.baseUrl);
  const concert = await stage.concert();
  const key = crypto.randomUUID();
  const booking = await stage.booking(concert, { requestId: key });
  await stage.cancel(await stage.booking(concert));
  await stage.hold(concert);
  await service.close();
  const file = join(folder, "tickets.dump");
  await dump(database, file);
  await using restored = await restore(file, "tickets_restored");

  const counts = await countRows(restored);
  expect(counts).toEqual(await countRows(database));
  expect(counts).toMatchObject({ concerts: "1", bookings: "3", concert_requests: "1" });
  await restored.checkInvariants();
  await using next = await startTestService({}, restored);
  const again = createStage(next.baseUrl);
  expect(await again.call(BookingService.method.getBooking, { id: booking.id })).toEqual(booking);
  expect(await again.booking(concert, { requestId: key })).toEqual(booking);
  const { id } = await again.booking(concert);
  expect(id).toBeGreaterThan(booking.id);
});

test.skipIf(!canRun)(
  "a backup that is taken during a rush has all bookings confirmed before it, and no part of one",
  async () => {
    await using database = await createDatabase("rush");
    await using service = await startTestService({}, database);
    const { id: concertId } = await createStage(service.baseUrl).concert({ totalTickets: 5_000 });
    const options = readOptions(
      ["--url", service.baseUrl, "--users", "50", "--requests", "100", "--pause", "0.05"],
      {},
    );
    if (options === undefined) throw new Error("these arguments ask for help");
    const tally = createTally();
    const stopping = new AbortController();
    const rushing = rush(options, concertId, tally, { stopping: stopping.signal });
    await vi.waitFor(() => expect(tally.confirmed.length).toBeGreaterThan(100), { timeout: 20_000 });
    const before = [...tally.confirmed];
    const file = join(folder, "rush.dump");
    await dump(database, file);
    expect(tally.confirmed.length).toBeGreaterThan(before.length);
    stopping.abort();
    await rushing;
    await using restored = await restore(file, "rush_restored");

    const rows = await restored.query<{ id: string }>("SELECT id FROM bookings");
    const ids = new Set(rows.map(({ id }) => BigInt(id)));
    expect(before.filter((id) => !ids.has(id))).toEqual([]);
    await restored.checkInvariants();
  },
);
