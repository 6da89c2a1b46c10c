/** The booking engine on PostgreSQL: a batch is one transaction, and its statements use the intended indexes. */
import { randomUUID } from "node:crypto";
import type pg from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { BookCommand } from "../src/booking/commands.ts";
import { type BookingEngine, createBookingEngine } from "../src/booking/engine.ts";
import type { Booking } from "../src/domain/booking.ts";
import { type ConcertId, concertIdOf } from "../src/domain/ids.ts";
import { ignoreEvents } from "../src/domain/publish.ts";
import { createBatches } from "../src/store/batch/open.ts";
import { type Connection, createPreparedSupport, createServerActivity } from "../src/store/pool/connection.ts";
import { createDatabase } from "../src/store/pool/database.ts";
import type { Store } from "../src/store/store.ts";
import { verdict } from "./support/booking/engine-stage.ts";
import { bookingRequest, cancelRequest, examplePolicy } from "./support/booking/example-bookings.ts";
import { createTestDatabase, type TestDatabase } from "./support/database/database.ts";
import { explainGenericPlan } from "./support/database/plans.ts";
import { openDeadline, openStore } from "./support/database/store.ts";
import { insertConcerts } from "./support/service/stage.ts";

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterEach(() => database.checkInvariants());
afterAll(() => database?.drop());

const times = <Item>(count: number, make: (index: number) => Item): Item[] =>
  Array.from({ length: count }, (_, index) => make(index));

async function insertConcert(totalTickets = 1_000): Promise<ConcertId> {
  const [id = concertIdOf(0n)] = await insertConcerts(database, { total_tickets: totalTickets });
  return id;
}

function order(concertId: ConcertId, changes: Partial<BookCommand> = {}): BookCommand {
  const actor = { subject: changes.userId ?? "ann", address: undefined };
  return bookingRequest({ ticketCount: 1, requestId: randomUUID(), actor, ...changes, concertId });
}

/** How many rows each transaction has written last, the first transaction first. */
async function rowsByTransaction(concertId: bigint): Promise<number[]> {
  const rows = await database.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM bookings WHERE concert_id = $1 GROUP BY xmin ORDER BY min(id)`,
    [concertId],
  );
  return rows.map(({ count }) => count);
}

async function stored(concertId: bigint): Promise<{ available: number; confirmed: number; cancelled: number }> {
  const [row] = await database.query<{ available: number; confirmed: number; cancelled: number }>(
    `SELECT available_tickets AS available, count(*) FILTER (WHERE status = 'confirmed')::int AS confirmed,
       count(*) FILTER (WHERE status = 'cancelled')::int AS cancelled
     FROM concerts LEFT JOIN bookings ON concert_id = concerts.id WHERE concerts.id = $1 GROUP BY concerts.id`,
    [concertId],
  );
  if (!row) throw new Error("there is no such concert");
  return row;
}

const settings = [{ preparedStatements: true }, { preparedStatements: false }];

describe.each(settings)("prepared statements: $preparedStatements", (setting) => {
  let store: Store;
  let engine: BookingEngine;

  beforeAll(() => {
    store = openStore(database.url, { poolSize: 4, ...setting });
    engine = createBookingEngine(store.batches, {
      ...{ policy: examplePolicy, maxQueuedRequests: 10_000, maxConcurrentBatches: 2, maxRetries: 3 },
      concertChanged: () => {},
    });
  });
  // What a test does next begins with an idle engine.
  afterEach(() => engine.idle());
  afterAll(() => store?.close());

  const submit = (request: Parameters<BookingEngine["submit"]>[0]) => engine.submit(request, openDeadline());
  const submitAll = (requests: readonly BookCommand[]) => Promise.all(requests.map(submit));
  const cancel = ({ id, concertId, userId }: Booking, requestId: string = randomUUID()) =>
    submit({
      kind: "cancel",
      concertId,
      bookingId: id,
      userId,
      requestId,
      actor: { subject: userId, address: undefined },
    });

  test("books 600 requests sent at once in three batches, each one transaction", async () => {
    const concertId = await insertConcert();
    const bookings = await submitAll(times(600, (index) => order(concertId, { userId: `user ${index}` })));
    expect(await rowsByTransaction(concertId)).toEqual([1, 300, 299]);
    expect(await stored(concertId)).toEqual({ available: 400, confirmed: 600, cancelled: 0 });
    expect(bookings.map(({ value }) => value.userId)).toEqual(times(600, (index) => `user ${index}`));
    expect(new Set(bookings.map(({ value }) => value.id)).size).toBe(600);
  });

  test("returns the bookings as they are stored", async () => {
    const concertId = await insertConcert();
    const requests = times(5, (index) => order(concertId, { userId: `user ${index}`, ticketCount: index + 1 }));
    const answers = await submitAll(requests);
    const keys = requests.map(({ userId, requestId }) => ({ userId, requestId }));
    const found = await store.batches.find(concertId, keys);
    const byId = (one: Booking, other: Booking) => Number(one.id - other.id);
    expect(answers.map(({ value }) => value).sort(byId)).toEqual(found.sort(byId));
    expect(found).toMatchObject(
      times(5, (index) => ({ ticketCount: index + 1, totalPriceCents: 1_050 * (index + 1) })),
    );
  });

  test("two requests with one key at once make one booking, and a third with another ticket count is rejected", async () => {
    const concertId = await insertConcert();
    const request = order(concertId, { ticketCount: 2 });
    const first = submit(order(concertId));
    const answers = [request, request, { ...request, ticketCount: 3 }, { ...request, userId: "ben" }].map(submit);
    expect(await Promise.all(answers.map(verdict))).toEqual(["OK", "REPLAYED", "REQUEST_ID_REUSED", "OK"]);
    await first;
    const again = await submit(request);
    expect(again).toEqual({ ...(await answers[0]), replayed: true });
    expect(await stored(concertId)).toEqual({ available: 995, confirmed: 3, cancelled: 0 });
  });

  test("bookings and cancels of one batch are one transaction", async () => {
    const concertId = await insertConcert(10);
    const [one, two] = await submitAll([order(concertId, { ticketCount: 4 }), order(concertId, { ticketCount: 5 })]);
    if (!one || !two) throw new Error("not booked");
    await engine.idle();
    const key = randomUUID();
    const first = submit(order(concertId));
    const answers = [
      submit(order(concertId, { ticketCount: 4 })),
      cancel(one.value, key),
      submit(order(concertId, { ticketCount: 4 })),
      cancel(one.value, key),
      cancel(one.value),
      cancel(two.value),
    ];
    const verdicts = ["INSUFFICIENT_TICKETS", "OK", "OK", "REPLAYED", "ALREADY_CANCELLED", "OK"];
    expect(await Promise.all(answers.map(verdict))).toEqual(verdicts);
    await first;
    expect(await stored(concertId)).toEqual({ available: 5, confirmed: 2, cancelled: 2 });
    const rows = await database.query("SELECT DISTINCT xmin FROM bookings WHERE concert_id = $1", [concertId]);
    // The one before the batch, and the batch with its insert and its two updates.
    expect(rows).toHaveLength(2);
    const cancelled = await answers[1];
    expect(await store.batches.find(concertId, [one.value])).toEqual([cancelled?.value]);
  });

  test("writes the concert's row once a batch, and not for a batch that rejects every request", async () => {
    const concertId = await insertConcert(3);
    const version = async () => {
      const [row] = await database.query<{ xmin: string }>("SELECT xmin FROM concerts WHERE id = $1", [concertId]);
      return row?.xmin;
    };
    await submitAll(times(3, () => order(concertId)));
    const before = await version();
    const refused = times(20, () => submit(order(concertId, { ticketCount: 2 })));
    expect(new Set(await Promise.all(refused.map(verdict)))).toEqual(new Set(["INSUFFICIENT_TICKETS"]));
    expect(await version()).toBe(before);
  });

  test.each([
    { what: "a user with U+0000", poison: { userId: "nul\0" } },
    { what: "a user without a key and with U+0000", poison: { userId: "nul\0", hasOwnKey: false } },
    { what: "a user with too long a name", poison: { userId: "u".repeat(256) } },
    { what: "a key that is no UUID", poison: { requestId: "key" } },
    { what: "no tickets", poison: { ticketCount: 0 } },
  ])("a request with $what fails alone in its batch", async ({ poison }) => {
    const concertId = await insertConcert();
    const first = submit(order(concertId));
    const answers = times(16, (index) => submit(order(concertId, index === 5 ? poison : {})));
    const verdicts = await Promise.all(answers.map(verdict));
    expect(verdicts.filter((each) => each === "OK")).toHaveLength(15);
    expect(verdicts[5]).not.toBe("OK");
    await first;
    expect(await stored(concertId)).toEqual({ available: 984, confirmed: 16, cancelled: 0 });
  });
});

/** A connection that records what is sent over it. */
function recording(connection: Connection, sent: pg.QueryConfig[]): Connection {
  return {
    query<Row extends object>(statement: string | pg.QueryConfig, values?: unknown[]) {
      sent.push(typeof statement === "string" ? { text: statement } : statement);
      return connection.query<Row>(statement, values);
    },
    release: (destroy) => connection.release(destroy),
  };
}

/** Runs batches that use every statement on one connection. Returns the statements sent, and those that PostgreSQL keeps. */
async function recordBatch(preparedStatements: boolean, subject = "other") {
  const sent: pg.QueryConfig[] = [];
  const options = { lockTimeoutMs: 5_000, statementTimeoutMs: 5_000 };
  const small = openDatabase(database.url, preparedStatements);
  const recorded = { connect: async () => recording(await small.connect(), sent) };
  try {
    const batches = createBatches({ ...recorded, reads: recorded }, options);
    const engine = createBookingEngine(batches, {
      ...{ policy: examplePolicy, maxQueuedRequests: 10, maxConcurrentBatches: 1, maxRetries: 0 },
      concertChanged: () => {},
    });
    const concertId = await insertConcert(10);
    const actor = { subject, address: undefined };
    const submit = (command: Parameters<typeof engine.submit>[0]) => engine.submit(command, openDeadline());
    const { value } = await submit(order(concertId, { actor }));
    await submit(cancelRequest({ concertId, bookingId: value.id, requestId: randomUUID(), actor }));
    await submit({ ...order(concertId), kind: "hold", ttlMs: undefined });
    await batches.isCommitted(concertId, randomUUID());
    const connection = await small.connect();
    const { rows } = await connection.query("SELECT name FROM pg_prepared_statements ORDER BY name");
    connection.release();
    return { sent, kept: rows.map((row): unknown => row.name) };
  } finally {
    await small.close();
  }
}

function openDatabase(databaseUrl: string, preparedStatements: boolean) {
  const url = new URL(databaseUrl);
  const [username, password] = [decodeURIComponent(url.username), decodeURIComponent(url.password)];
  const address = { host: url.hostname, port: Number(url.port || 5432), name: url.pathname.slice(1) };
  const [publish, sslMode] = [ignoreEvents, "disable" as const];
  const prepared = createPreparedSupport(preparedStatements, publish);
  const activity = createServerActivity(publish);
  return createDatabase({
    ...address,
    username,
    password,
    sslMode,
    pool: "main",
    poolSize: 1,
    prepared,
    activity,
    publish,
  });
}

// By name they need one session, which a pooler does not give.
describe.skipIf(process.env.APP_TEST_POOLER)("a batch's statements", () => {
  test("are prepared by name only if the setting allows it", async () => {
    expect((await recordBatch(true)).kept).toEqual([
      "frontrow_find_batch",
      "frontrow_find_bookings_by_ids",
      "frontrow_find_bookings_by_keys",
      "frontrow_insert_batch",
      "frontrow_insert_booking_audit_entries",
      "frontrow_insert_bookings",
      "frontrow_lock_concert",
      "frontrow_read_concert",
      "frontrow_read_holds",
      "frontrow_read_user_tickets",
      "frontrow_set_ticket_counters",
      "frontrow_update_bookings",
    ]);
    expect((await recordBatch(false)).kept).toEqual([]);
  });

  test("for the audit trail are not sent for acts on the caller's own bookings", async () => {
    const audits = ({ sent }: Awaited<ReturnType<typeof recordBatch>>) =>
      sent.filter(({ text = "" }) => text.includes("audit_entries"));
    expect(audits(await recordBatch(true, "ann"))).toHaveLength(0);
    expect(audits(await recordBatch(true))).toHaveLength(2);
  });

  // The indexes of partitions have other names.
  const isPartitioned = process.env.APP_TEST_TABLES === "partitioned";
  test.skipIf(isPartitioned)("find their rows by the intended index, also with a generic plan", async () => {
    const { sent } = await recordBatch(true);
    const session = await database.connect();
    const plans = new Map<string, string>();
    await session.query(sent[0]?.text ?? "");
    // Enough rows, and their statistics. On a table of one page all plans cost the same, and autovacuum decides when the
    // planner learns its size. The transaction is not committed.
    await insertConcerts({ query: async (text, values) => (await session.query(text, values)).rows }, {}, 2_000);
    await session.query(`
      INSERT INTO bookings (concert_id, user_id, ticket_count, unit_price, total_price, currency_code, booking_time,
        request_id, status, hold_expires_time)
      SELECT id, 'user ' || number, 1, price, price, currency_code, now(), gen_random_uuid(), status, now()
      FROM concerts, generate_series(1, 5) AS number, (VALUES ('held'), ('confirmed'), ('expired')) AS statuses (status)`);
    await session.query("INSERT INTO batches SELECT id, gen_random_uuid(), now() FROM concerts");
    await session.query("ANALYZE concerts, bookings, batches");
    for (const { name, text = "" } of sent) {
      if (!name || plans.has(name)) continue;
      plans.set(name, await explainGenericPlan(session, name, text));
    }
    await session.end();
    const indexes = (name: string) => plans.get(`frontrow_${name}`)?.match(/(?<=Index Scan (?:Backward )?using )\w+/g);
    expect([...plans.values()].join("\n")).not.toContain("Seq Scan");
    expect(indexes("find_bookings_by_keys")).toEqual(["bookings_request_key"]);
    expect(indexes("read_holds")).toContain("bookings_held_idx");
    expect(indexes("read_user_tickets")).toContain("bookings_live_idx");
    expect(indexes("find_bookings_by_ids")).toEqual(["bookings_pkey"]);
    // An id has one row, so both cost the same.
    expect(["bookings_pkey", "bookings_id_idx"]).toEqual(expect.arrayContaining(indexes("update_bookings") ?? [""]));
    for (const name of ["lock_concert", "read_concert", "set_ticket_counters"]) {
      expect(indexes(name)).toEqual(["concerts_pkey"]);
    }
  });
});
