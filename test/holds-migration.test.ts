/** Concerts, bookings and audit entries stored before there were holds are the same after the migration. */
import { randomUUID } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { BookingService } from "../gen/frontrow/v1/booking_service_pb.ts";
import { ConcertService } from "../gen/frontrow/v1/concert_service_pb.ts";
import { createTestDatabase, type TestDatabase } from "./support/database/database.ts";
import { openStore } from "./support/database/store.ts";
import { projectRoot } from "./support/project-root.ts";
import { succeeded, verdict } from "./support/protocols/outcomes.ts";
import { createProtocolClient } from "./support/protocols/protocols.ts";
import { startTestService } from "./support/service/service.ts";
import { describeConcert } from "./support/service/stage.ts";

const folder = join(projectRoot, "db", "migrations");
const migration = "0006_holds";

/** A database without tables, migrated up to the migration before. */
async function openEarlierDatabase(): Promise<TestDatabase> {
  const database = await createTestDatabase("template0");
  onTestFinished(() => database.drop());
  await database.query(
    "CREATE TABLE kysely_migration (name varchar(255) PRIMARY KEY, timestamp varchar(255) NOT NULL)",
  );
  for (const file of (await readdir(folder)).filter((name) => name.endsWith(".sql") && name < migration).sort()) {
    await database.query(`BEGIN; ${await readFile(join(folder, file), "utf8")}; COMMIT`);
    await database.query("INSERT INTO kysely_migration VALUES ($1, '2026-01-01')", [file.replace(".sql", "")]);
  }
  return database;
}

async function migrate(database: TestDatabase): Promise<readonly string[]> {
  const store = openStore(database.url);
  return (await store.migrate().finally(() => store.close())).applied;
}

/** One concert of 10 tickets, with a booking of 2 and a cancelled one of 3, and what the trail says of them. */
async function insertEarlierRows(database: TestDatabase, keys: readonly string[]): Promise<void> {
  const [creation, booking, cancelled, cancel] = keys.map((key) => `'${key}'`);
  await database.query(`
    INSERT INTO concerts (id, name, artist, venue, concert_date, total_tickets, available_tickets, price,
      booking_start_time, booking_end_time, request_id, request_digest)
    OVERRIDING SYSTEM VALUE
    VALUES (7, 'Moonlight', 'The Larks', 'Old Mill', '2099-06-01', 10, 8, 50.25, '2020-01-01', '2099-05-01',
      ${creation}, sha256('moonlight'));
    INSERT INTO bookings (id, concert_id, user_id, ticket_count, unit_price, total_price, currency_code, booking_time,
      status, request_id, cancel_request_id, booked_by, cancelled_by)
    OVERRIDING SYSTEM VALUE
    VALUES (11, 7, 'nora', 2, 50.25, 100.50, 'USD', '2026-02-03 04:05:06.789012Z', 'confirmed', ${booking}, NULL, 'nora', NULL),
      (12, 7, 'nora', 3, 50.25, 150.75, 'USD', '2026-02-03', 'cancelled', ${cancelled}, ${cancel}, NULL, 'admin-1');
    INSERT INTO audit_entries (occurred_at, actor, action, concert_id, booking_id, before, after)
    VALUES ('2026-02-01', 'admin-1', 'concert.create', 7, NULL, NULL, '{"id": "7"}'),
      ('2026-02-04', 'admin-1', 'booking.cancel', 7, 12, '{"status": "confirmed"}', '{"status": "cancelled"}');
    SELECT setval('concerts_id_seq', 7), setval('bookings_id_seq', 12)`);
}

/** Columns that the migration adds or moves to another table. */
const otherColumns = {
  concerts: "request_id, request_digest, held_tickets, max_tickets_per_user, requires_payment",
  bookings: "requested_count, hold_expires_time, payment_reference",
  audit_entries: "",
};

/** All rows, with the columns that the migration keeps. */
function keptRows({ query }: TestDatabase): Promise<unknown> {
  return Promise.all(
    Object.entries(otherColumns).map(([table, columns]) =>
      query(`SELECT to_jsonb(t) - string_to_array('${columns}', ', ') AS row FROM ${table} t ORDER BY id`),
    ),
  );
}

test("the rows from before the migration keep their ids and columns, and their keys still replay", async () => {
  const database = await openEarlierDatabase();
  const keys = Array.from({ length: 4 }, () => randomUUID());
  const [creation = "", booking = "", cancelled = "", cancel = ""] = keys;
  await insertEarlierRows(database, keys);
  const before = await keptRows(database);

  expect(await migrate(database)).toEqual([migration]);

  expect(await keptRows(database)).toEqual(before);
  expect(await database.query("SELECT * FROM concert_requests")).toEqual([
    { request_id: creation, digest: expect.any(Buffer), concert_id: "7" },
  ]);
  expect(await database.query("SELECT held_tickets, max_tickets_per_user, requires_payment FROM concerts")).toEqual([
    { held_tickets: 0, max_tickets_per_user: null, requires_payment: false },
  ]);
  expect(
    await database.query("SELECT DISTINCT requested_count, hold_expires_time, payment_reference FROM bookings"),
  ).toEqual([{ requested_count: null, hold_expires_time: null, payment_reference: null }]);

  await using service = await startTestService({}, database);
  const client = createProtocolClient("REST", service.baseUrl);
  onTestFinished(() => client.close());
  const book = (requestId: string, ticketCount: number) =>
    client.call(BookingService.method.bookTickets, { concertId: 7n, userId: "nora", ticketCount, requestId });
  expect(succeeded(await book(booking, 2))).toMatchObject({ id: 11n, ticketCount: 2 });
  expect(verdict(await book(booking, 2))).toBe("REPLAYED");
  expect(verdict(await book(booking, 3))).toBe("REQUEST_ID_REUSED");
  expect(verdict(await book(cancelled, 3))).toBe("REPLAYED");
  const cancelAgain = { id: 12n, userId: "nora", requestId: cancel };
  expect(verdict(await client.call(BookingService.method.cancelBooking, cancelAgain))).toBe("REPLAYED");
  const create = { ...describeConcert(), requestId: creation };
  expect(verdict(await client.call(ConcertService.method.createConcert, create))).toBe("REQUEST_ID_REUSED");
  expect(succeeded(await book(randomUUID(), 8)).id).toBeGreaterThan(12n);
  expect(succeeded(await client.call(BookingService.method.cancelBooking, { id: 11n, userId: "nora" }))).toBeDefined();
});

test("the indexes that were built before the migration are kept", async () => {
  const database = await openEarlierDatabase();
  const sql = await readFile(join(folder, `${migration}.sql`), "utf8");
  const indexes = [...sql.matchAll(/CREATE INDEX IF NOT EXISTS ([^;]*);/g)].map(([, index]) => index);
  expect(indexes).toHaveLength(2);
  for (const index of indexes) await database.query(`CREATE INDEX CONCURRENTLY ${index}`);
  const oids = () =>
    database.query("SELECT indexrelid FROM pg_index WHERE indexrelid::regclass::text ~ '^bookings_(id|live)_idx$'");
  const before = await oids();

  expect(await migrate(database)).toEqual([migration]);

  expect(await oids()).toEqual(before);
});
