/** The audit trail's queries and rights, as docs/operations.md has them. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { changeBooking } from "../src/booking/change.ts";
import { type BookingEngine, createBookingEngine } from "../src/booking/engine.ts";
import { createConcertCache } from "../src/concerts/cache.ts";
import { createCatalogue } from "../src/concerts/catalogue.ts";
import type { Booking } from "../src/domain/booking.ts";
import type { Concert, ConcertDescription } from "../src/domain/concert.ts";
import { deleteEndedHolds, deleteOldBatches } from "../src/store/retention.ts";
import type { Store } from "../src/store/store.ts";
import { exampleConcert, examplePolicy } from "./support/booking/example-bookings.ts";
import { admin, otherAdmin, person } from "./support/database/audit.ts";
import { createTestDatabase, type TestDatabase } from "./support/database/database.ts";
import { documentedSql } from "./support/database/documented-sql.ts";
import { openDeadline, openStore } from "./support/database/store.ts";

/** A role that owns nothing, as the page's GRANTs have it. */
const role = `frontrow_test_${randomUUID().replaceAll("-", "")}`;

let database: TestDatabase;
let store: Store;
let engine: BookingEngine;
let concert: Concert;
let booking: Booking;

/** The statements of the page, with the names and numbers of this test in place of the page's. */
const statement = (text: string) => {
  const names = [
    ["42", concert?.id],
    ["4711", booking?.id],
    ["frontrow_service", role],
    ["'...'", "'secret'"],
  ] as const;
  return names.reduce((made, [from, to]) => made.replaceAll(from, String(to)), documentedSql(text));
};

beforeAll(async () => {
  database = await createTestDatabase();
  await database.query(statement("CREATE ROLE frontrow_service"));
  const url = new URL(database.url);
  [url.username, url.password] = [role, "secret"];
  store = openStore(url.href);
  engine = createBookingEngine(store.batches, {
    ...{ policy: examplePolicy, maxQueuedRequests: 100, maxConcurrentBatches: 1, maxRetries: 0 },
    concertChanged: () => {},
  });
  expect((await store.migrate()).applied).toEqual([]);

  const cache = createConcertCache();
  const catalogue = createCatalogue(store, cache, cache.concertChanged);
  const [bookingStartTime, bookingEndTime] = ["2020-01-01T00:00Z", "2099-01-01T00:00Z"].map((text) =>
    Temporal.Instant.from(text),
  ) as [Temporal.Instant, Temporal.Instant];
  const description: ConcertDescription = { ...exampleConcert, bookingStartTime, bookingEndTime };
  const other = (await catalogue.create(description, randomUUID(), otherAdmin, openDeadline())).value;
  concert = (await catalogue.create(description, randomUUID(), admin, openDeadline())).value;
  const changed = { ...description, name: "Summer Journey", priceCents: 6_050 };
  await catalogue.update(concert.id, { version: 1 }, changed, otherAdmin, openDeadline());
  await catalogue.update(other.id, { version: 1 }, changed, otherAdmin, openDeadline());
  const order = {
    kind: "book",
    concertId: concert.id,
    userId: "ann",
    ticketCount: 2,
    hasOwnKey: true,
    isExempt: true,
  } as const;
  const book = (actor: typeof admin) => engine.submit({ ...order, requestId: randomUUID(), actor }, openDeadline());
  booking = (await book(admin)).value;
  await book(person("ann"));
  const cancel = { kind: "cancel", bookingId: booking.id, userId: "ann", requestId: randomUUID() } as const;
  await changeBooking(store, engine, { ...cancel, actor: otherAdmin }, openDeadline());
});
afterAll(async () => {
  await store?.close();
  await database?.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  await database?.checkInvariants().finally(() => database.drop());
});

test("the documented query finds who changed a concert, and what changed", async () => {
  const rows = await database.query(statement("WHERE concert_id = "));
  const created = rows.filter(({ action }) => action === "concert.create");
  expect(created).toContainEqual(expect.objectContaining({ actor: "admin-1", field: "price", old: null, new: 50.25 }));
  expect(rows.filter((row) => !created.includes(row))).toMatchObject([
    { actor: "admin-2", action: "concert.update", field: "name", old: "Winter Journey", new: "Summer Journey" },
    { actor: "admin-2", action: "concert.update", field: "price", old: 50.25, new: 60.5 },
  ]);
});

test("the documented query finds an administrator's acts on others' bookings", async () => {
  const byAdmin = { actor_address: admin.address, concert_id: String(concert.id), booking_id: String(booking.id) };
  expect(await database.query(statement("WHERE actor = "))).toMatchObject([
    { ...byAdmin, action: "booking.create", user_id: "ann", ticket_count: 2 },
  ]);
});

test("the documented query finds all acts on a booking", async () => {
  expect(await database.query(statement("WHERE booking_id = "))).toMatchObject([
    { actor: "admin-1", action: "booking.create", before: null, after: "confirmed" },
    { actor: "admin-2", action: "booking.cancel", before: "confirmed", after: "cancelled" },
  ]);
});

test("a service with only the documented rights holds tickets, expires holds and deletes old rows", async () => {
  const order = { concertId: concert.id, userId: "ben", ticketCount: 2, requestId: randomUUID() };
  const command = { kind: "hold", ...order, ttlMs: 60_000, hasOwnKey: true, isExempt: false, actor: admin } as const;
  const { value: hold } = await engine.submit(command, openDeadline());
  await database.query("UPDATE bookings SET hold_expires_time = now() - interval '1 second' WHERE id = $1", [hold.id]);
  await engine.expireHolds(concert.id, openDeadline());
  const count = async (table: string) => (await database.query(`SELECT FROM ${table}`)).length;
  const [bookings, batches] = [await count("bookings"), await count("batches")];
  await store.clean((db) => deleteEndedHolds(db, 0), openDeadline());
  await store.clean((db) => deleteOldBatches(db, 0), openDeadline());
  expect([await count("bookings"), await count("batches")]).toEqual([bookings - 1, 0]);
  expect(batches).toBeGreaterThan(0);
});

test.each([
  ["UPDATE audit_entries SET actor = 'mallory'"],
  ["DELETE FROM audit_entries"],
  ["TRUNCATE audit_entries"],
  ["ALTER TABLE audit_entries DISABLE TRIGGER ALL"],
  ["DROP TABLE audit_entries"],
])("a service with only the documented rights cannot %s", async (text) => {
  const session = await database.connect();
  await session.query(`SET ROLE ${role}`);
  const refusal = { code: "42501", message: expect.stringMatching(/permission denied|must be owner/) };
  await expect(session.query(text))
    .rejects.toMatchObject(refusal)
    .finally(() => session.end());
});
