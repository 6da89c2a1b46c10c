/** The statements of a batch: which are prepared, which are left out, and which indexes they use. */
import { randomUUID } from "node:crypto";
import type pg from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createBookingEngine } from "../src/booking/engine.ts";
import { concertIdOf } from "../src/domain/ids.ts";
import { ignoreEvents } from "../src/domain/publish.ts";
import { createBatches } from "../src/store/batch/open.ts";
import { type Connection, createPreparedSupport, createServerActivity } from "../src/store/pool/connection.ts";
import { createDatabase } from "../src/store/pool/database.ts";
import { bookingRequest, cancelRequest, examplePolicy } from "./support/booking/example-bookings.ts";
import { createTestDatabase, type TestDatabase } from "./support/database/database.ts";
import { explainGenericPlan } from "./support/database/plans.ts";
import { openDeadline } from "./support/database/store.ts";
import { insertConcerts } from "./support/service/stage.ts";

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterEach(() => database.checkInvariants());
afterAll(() => database?.drop());

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
    const [concertId = concertIdOf(0n)] = await insertConcerts(database, { total_tickets: 10 });
    const actor = { subject, address: undefined };
    const order = () => bookingRequest({ ticketCount: 1, requestId: randomUUID(), actor, concertId });
    const submit = (command: Parameters<typeof engine.submit>[0]) => engine.submit(command, openDeadline());
    const { value } = await submit(order());
    await submit(cancelRequest({ concertId, bookingId: value.id, requestId: randomUUID(), actor }));
    await submit({ ...order(), actor: { subject: "ann", address: undefined }, kind: "hold", ttlMs: undefined });
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
