/** The audit trail of bookings: acts on others' bookings are recorded, in every batch that has some. */
import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { changeBooking } from "../src/booking/change.ts";
import type { BookCommand } from "../src/booking/commands.ts";
import { type BookingEngine, createBookingEngine } from "../src/booking/engine.ts";
import { createConcert } from "../src/concerts/create.ts";
import type { Booking } from "../src/domain/booking.ts";
import { type Actor, serviceItself } from "../src/domain/change.ts";
import type { ConcertId } from "../src/domain/ids.ts";
import type { Store } from "../src/store/store.ts";
import { verdict } from "./support/booking/engine-stage.ts";
import { exampleConcert, examplePolicy } from "./support/booking/example-bookings.ts";
import { type AuditEntry, admin, entriesOf, otherAdmin, person } from "./support/database/audit.ts";
import { createTestDatabase, type TestDatabase } from "./support/database/database.ts";
import { type PostgresProxy, startPostgresProxy } from "./support/database/postgres-proxy.ts";
import { openDeadline, openStore } from "./support/database/store.ts";

let database: TestDatabase;
let proxy: PostgresProxy;
let store: Store;
let engine: BookingEngine;
let concertId: ConcertId;

beforeAll(async () => {
  database = await createTestDatabase();
  proxy = await startPostgresProxy(database.url);
  store = openStore(proxy.url(database.url));
  engine = createBookingEngine(store.batches, {
    ...{ policy: examplePolicy, maxQueuedRequests: 100, maxConcurrentBatches: 1, maxRetries: 0 },
    concertChanged: () => {},
  });
});
beforeEach(async () => {
  const [opensAt, closesAt] = ["2020-01-01T00:00Z", "2099-01-01T00:00Z"].map((text) => Temporal.Instant.from(text));
  const description = {
    ...exampleConcert,
    bookingStartTime: opensAt,
    bookingEndTime: closesAt,
  } as typeof exampleConcert;
  concertId = (await createConcert(store, description, randomUUID(), serviceItself, openDeadline())).value.id;
});
afterEach(() => database.checkInvariants());
afterAll(async () => {
  await store?.close();
  await proxy?.close();
  await database?.drop();
});

function submitBooking(actor: Actor, userId: string, changes: Partial<BookCommand> = {}) {
  const requestId = randomUUID();
  const order = {
    kind: "book",
    concertId,
    userId,
    ticketCount: 2,
    requestId,
    hasOwnKey: true,
    isExempt: false,
    actor,
  } as const;
  return engine.submit({ ...order, ...changes }, openDeadline());
}

const book = async (...order: Parameters<typeof submitBooking>) => (await submitBooking(...order)).value;

function submitCancel(actor: Actor, { id: bookingId, userId }: Booking, requestId: string = randomUUID()) {
  return engine.submit({ kind: "cancel", concertId, bookingId, userId, requestId, actor }, openDeadline());
}

/** Who made and who cancelled bookings, by the bookings. */
async function authorsOf(...bookings: readonly Booking[]): Promise<(string | null)[][]> {
  const rows = await database.query<{ by: (string | null)[] }>(
    "SELECT ARRAY[booked_by, cancelled_by] AS by FROM bookings WHERE id = ANY($1) ORDER BY array_position($1, id)",
    [bookings.map(({ id }) => id)],
  );
  return rows.map(({ by }) => by);
}

/** The trail of bookings: the concert itself has an entry as well. */
async function trail(): Promise<AuditEntry[]> {
  return (await entriesOf(database, concertId)).filter(({ bookingId }) => bookingId !== null);
}

const inWords = ({ actor, address, action, bookingId }: AuditEntry) => `${actor} ${address} ${action} ${bookingId}`;

/** What REST says of a booking that is confirmed. */
function jsonOf(booking: Booking) {
  const now = booking.bookingTime.toString();
  return {
    id: String(booking.id),
    concert_id: String(concertId),
    user_id: booking.userId,
    ticket_count: 2,
    booking_time: now,
    status: "confirmed",
    unit_price: 50.25,
    total_price: 100.5,
    currency_code: "USD",
    created_at: now,
    updated_at: now,
  };
}

describe("the entry of an act on another's booking", () => {
  test("has the actor, the address, and the booking before and after", async () => {
    const booking = await book(admin, 'ann "the\\quote", {1}');
    const { value: cancelled } = await submitCancel(otherAdmin, booking);
    const before = jsonOf(booking);
    const after = { ...before, status: "cancelled", updated_at: cancelled.updatedAt.toString() };
    const [byAdmin, byOther] = [admin, otherAdmin].map(({ subject: actor, address }) => ({ actor, address }));
    expect(await trail()).toEqual([
      { ...byAdmin, action: "booking.create", bookingId: before.id, before: null, after: before },
      { ...byOther, action: "booking.cancel", bookingId: before.id, before, after },
    ]);
    expect(await authorsOf(booking)).toEqual([["admin-1", "admin-2"]]);
    const instants = await database.query(
      "SELECT occurred_at = (after ->> 'updated_at')::timestamptz AS same FROM audit_entries WHERE booking_id = $1",
      [before.id],
    );
    expect(instants).toEqual([{ same: true }, { same: true }]);
  });

  test("is written in the booking's transaction", async () => {
    const { id } = await book(admin, "ann");
    const same =
      "SELECT a.xmin = b.xmin AS same FROM audit_entries a JOIN bookings b ON b.id = booking_id WHERE b.id = $1";
    expect(await database.query(same, [id])).toEqual([{ same: true }]);
  });

  test("may have no address", async () => {
    await book({ subject: "admin-1", address: undefined }, "ann");
    expect(await trail()).toMatchObject([{ actor: "admin-1", address: null }]);
  });

  test("is also written by the use case", async () => {
    const { id: bookingId } = await book(person("ann"), "ann");
    const change = { kind: "cancel", bookingId, userId: "ann", requestId: randomUUID(), actor: admin } as const;
    await changeBooking(store, engine, change, openDeadline());
    expect((await trail()).map(inWords)).toEqual([`admin-1 192.0.2.7 booking.cancel ${bookingId}`]);
  });
});

test("an act on a caller's own booking, or without an actor, is recorded in the booking and not in the trail", async () => {
  const own = await book(person("ann"), "ann");
  await submitCancel(person("ann"), own);
  const nobodys = await book(serviceItself, "ben");
  await submitCancel({ subject: undefined, address: "192.0.2.1" }, nobodys);
  expect(await trail()).toEqual([]);
  expect(await authorsOf(own, nobodys)).toEqual([
    ["ann", "ann"],
    ["ben", "ben"],
  ]);
});

test("each act in a batch is recorded with its own actor", async () => {
  const [anns, bens] = [await book(person("ann"), "ann"), await book(person("ben"), "ben")];
  const first = submitBooking(person("cleo"), "cleo");
  // These wait for the first one's batch, and then are one.
  const results = await Promise.all([
    submitBooking(admin, "ann"),
    submitBooking(person("ann"), "ann"),
    submitCancel(otherAdmin, anns),
    submitBooking(otherAdmin, "ben"),
    submitCancel(person("ben"), bens),
    submitBooking(admin, "admin-1"),
    submitBooking(admin, "cleo"),
  ]);
  await first;
  const [annsNew, own, , bensNew, , admins, cleos] = results.map(({ value }) => value) as [Booking, ...Booking[]];
  const written = [annsNew, own, anns, bensNew, bens, admins, cleos] as Booking[];
  expect(await authorsOf(...written)).toEqual([
    ["admin-1", null],
    ["ann", null],
    ["ann", "admin-2"],
    ["admin-2", null],
    ["ben", "ben"],
    ["admin-1", null],
    ["admin-1", null],
  ]);
  const entries = await trail();
  expect(entries.map(inWords).sort()).toEqual([
    `admin-1 192.0.2.7 booking.create ${annsNew.id}`,
    `admin-1 192.0.2.7 booking.create ${cleos?.id}`,
    `admin-2 2001:db8::7 booking.cancel ${anns.id}`,
    `admin-2 2001:db8::7 booking.create ${bensNew?.id}`,
  ]);
  for (const { bookingId, after } of entries) expect(after.id).toBe(bookingId);
  const transactions = "SELECT DISTINCT xmin FROM audit_entries WHERE concert_id = $1 AND booking_id IS NOT NULL";
  expect(await database.query(transactions, [concertId])).toHaveLength(1);
});

describe("a request that stores nothing has no entry:", () => {
  test("a repeated request, in the same batch or later", async () => {
    const [requestId, cancelId] = [randomUUID(), randomUUID()];
    const first = submitBooking(person("cleo"), "cleo");
    const answers = [admin, otherAdmin, admin].map((actor) => submitBooking(actor, "ann", { requestId }));
    expect(await Promise.all(answers.map(verdict))).toEqual(["OK", "REPLAYED", "REPLAYED"]);
    expect(await verdict(submitBooking(otherAdmin, "ann", { requestId }))).toBe("REPLAYED");
    await first;
    const booking = await book(person("ann"), "ann", { requestId });
    const cancels = [otherAdmin, admin].map((actor) => submitCancel(actor, booking, cancelId));
    expect(await Promise.all(cancels.map(verdict))).toEqual(["OK", "REPLAYED"]);
    expect(await verdict(submitCancel(admin, booking, cancelId))).toBe("REPLAYED");
    expect((await trail()).map(inWords)).toEqual([
      `admin-1 192.0.2.7 booking.create ${booking.id}`,
      `admin-2 2001:db8::7 booking.cancel ${booking.id}`,
    ]);
  });

  test("a rejected request", async () => {
    const booking = await book(person("ann"), "ann");
    await submitCancel(person("ann"), booking);
    const refused = [
      submitBooking(admin, "ann", { ticketCount: 11 }),
      submitBooking(admin, "ann", { requestId: booking.requestId, ticketCount: 1 }),
      submitCancel(admin, booking),
      submitCancel(admin, { ...booking, userId: "ben" }),
    ];
    const verdicts = ["TICKET_LIMIT_EXCEEDED", "REQUEST_ID_REUSED", "ALREADY_CANCELLED", "NOT_BOOKING_OWNER"];
    expect(await Promise.all(refused.map(verdict))).toEqual(verdicts);
    expect(await trail()).toEqual([]);
  });

  test("a request whose entry cannot be written fails alone and is not stored", async () => {
    const first = submitBooking(person("cleo"), "cleo");
    const tooLong = submitBooking(person("a".repeat(256)), "ann");
    const other = submitBooking(admin, "ann");
    await expect(tooLong).rejects.toThrow("too long");
    await first;
    const { id } = (await other).value;
    expect((await trail()).map(inWords)).toEqual([`admin-1 192.0.2.7 booking.create ${id}`]);
    const stored = await database.query("SELECT FROM bookings WHERE concert_id = $1", [concertId]);
    expect(stored).toHaveLength(2);
  });
});

describe("a batch whose COMMIT's answer is lost has its entries once", () => {
  test.each(["answer lost", "undelivered"] as const)("%s", async (fault) => {
    const lost = proxy.failNextCommit(fault);
    const [{ value: booking }] = await Promise.all([submitBooking(admin, "ann"), lost]);
    const lostAgain = proxy.failNextCommit(fault);
    await Promise.all([submitCancel(otherAdmin, booking), lostAgain]);
    expect((await trail()).map(inWords)).toEqual([
      `admin-1 192.0.2.7 booking.create ${booking.id}`,
      `admin-2 2001:db8::7 booking.cancel ${booking.id}`,
    ]);
  });
});

test("a batch that PostgreSQL rolls back because of an entry stores nothing", async () => {
  await database.query(`
    CREATE FUNCTION refuse_entry() RETURNS trigger LANGUAGE plpgsql AS
      'BEGIN RAISE EXCEPTION USING ERRCODE = ''disk_full''; END';
    CREATE TRIGGER full_disk BEFORE INSERT ON audit_entries FOR EACH ROW EXECUTE FUNCTION refuse_entry()`);
  const stored = () => database.query("SELECT xmin FROM concerts WHERE id = $1", [concertId]);
  const before = await stored();
  const answer = verdict(submitBooking(admin, "ann"));
  expect(await answer.finally(() => database.query("DROP TRIGGER full_disk ON audit_entries"))).toBe(
    "DATABASE_UNAVAILABLE",
  );
  expect(await stored()).toEqual(before);
  expect(await database.query("SELECT FROM bookings WHERE concert_id = $1", [concertId])).toEqual([]);
  expect(await trail()).toEqual([]);
});
