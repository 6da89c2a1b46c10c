/** The service on databases with unusual settings, roles and encodings. */
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { sql } from "kysely";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test, vi } from "vitest";
import type { Store } from "../src/store/store.ts";
import { createTestDatabase, type TestDatabase } from "./support/database/database.ts";
import { holdLock } from "./support/database/locks.ts";
import { startPostgresProxy } from "./support/database/postgres-proxy.ts";
import { openDeadline, openStore, transact } from "./support/database/store.ts";
import { openProgram, startProgram } from "./support/process/program.ts";
import { postJson } from "./support/service/rest.ts";
import { startTestService, testEnvironment } from "./support/service/service.ts";
import { moonlightJson } from "./support/service/stage.ts";

const wait = { timeout: 10_000, interval: 10 };
let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const nameIn = (url: string) => new URL(url).pathname.slice(1);

/** Creates a role for one test with all rights on the database, and returns a URL for it. */
async function createRole(setting = "") {
  const role = `frontrow_test_${randomUUID().replaceAll("-", "")}`;
  await database.query(`CREATE ROLE ${role} LOGIN PASSWORD 'pw'`);
  for (const objects of ["TABLES", "SEQUENCES"])
    await database.query(`GRANT ALL ON ALL ${objects} IN SCHEMA public TO ${role}`);
  if (setting !== "") await database.query(`ALTER ROLE ${role} SET ${setting}`);
  onTestFinished(async () => {
    await database.query(`DROP OWNED BY ${role}`);
    await database.query(`DROP ROLE ${role}`);
  });
  const url = new URL(database.url);
  url.username = role;
  url.password = "pw";
  return { role, url: url.href };
}

describe("the operator's time zone and date style", () => {
  test.each([
    ["timezone = 'Asia/Kolkata'", "datestyle = 'German'"],
    ["timezone = 'America/New_York'", "datestyle = 'SQL, DMY'"],
    ["timezone = 'Pacific/Kiritimati'", "datestyle = 'Postgres, MDY'"],
  ])("%s, %s: every year of the schema is stored and read", async (...settings) => {
    const own = await createTestDatabase();
    for (const setting of settings) await own.query(`ALTER DATABASE ${nameIn(own.url)} SET ${setting}`);
    const service = await startTestService({}, own);
    onTestFinished(() => service.close().then(() => own.drop()));
    const edges = {
      booking_start_time: "0001-01-01T00:00:00Z",
      booking_end_time: "9999-12-31T23:59:59.999999Z",
      concert_date: "9999-12-31T23:59:59.999999Z",
    };
    const created = await postJson(service.baseUrl, "/api/v1/concerts", { ...moonlightJson, ...edges });
    expect(created).toMatchObject({ status: 201, body: edges });
    const list = await fetch(`${service.baseUrl}/api/v1/concerts?date_from=0001-01-01T00:00:00Z`);
    expect(await list.json()).toMatchObject({ concerts: [edges] });
    const request = { concert_id: created.body.id, user_id: "nora", ticket_count: 1 };
    const booked = await postJson(service.baseUrl, "/api/v1/bookings", request);
    expect(booked.status).toBe(201);
    const [row] = await own.query<{ instant: string }>(
      "SELECT to_char(booking_time AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') AS instant FROM bookings",
    );
    expect(Temporal.Instant.from(booked.body.booking_time).toString()).toBe(
      Temporal.Instant.from(row?.instant ?? "").toString(),
    );
  });

  test("a role's settings are ignored too", async () => {
    const { url } = await createRole("timezone = 'Asia/Kolkata'");
    const store = openStore(url);
    const read = store.read((db) => sql`select current_setting('timezone') as zone`.execute(db), openDeadline());
    expect((await read.finally(() => store.close())).rows).toEqual([{ zone: "UTC" }]);
  });

  test("the years that can be stored do not depend on the session's time zone", async () => {
    // In that time zone PostgreSQL 15 writes an offset, LMT, that it cannot read.
    const [check] = await database.query<{ text: string }>(
      "SELECT pg_get_constraintdef(oid) AS text FROM pg_constraint WHERE conname = 'concerts_years_check'",
    );
    const session = await database.connect();
    onTestFinished(() => session.end());
    await session.query("SET timezone = 'Asia/Kolkata'; SET datestyle = 'German'");
    await session.query(
      `CREATE TEMP TABLE copies (LIKE concerts INCLUDING GENERATED); ALTER TABLE copies ADD ${check?.text}`,
    );
    const insert = (instant: string) =>
      session.query(
        `INSERT INTO copies (id, name, artist, venue, concert_date, total_tickets, available_tickets, price, currency_code,
           booking_start_time, booking_end_time, version, held_tickets, requires_payment, created_at, updated_at)
         SELECT 1, 'n', 'a', 'v', x, 1, 1, 1, 'EUR', x, x, 1, 0, false, now(), now()
         FROM CAST($1 AS timestamptz) AS x`,
        [instant],
      );
    await insert("0001-01-01 00:00:00+00");
    await insert("9999-12-31 23:59:59.999999+00");
    for (const instant of ["0001-12-31 23:59:59.999999+00 BC", "10000-01-01 00:00:00+00"]) {
      await expect(insert(instant), instant).rejects.toMatchObject({ code: "23514" });
    }
  });
});

test("environment variables for PostgreSQL's programs and for pg have no effect on Frontrow", async () => {
  const shell = {
    PGOPTIONS: "-c search_path=zz",
    PGSSLNEGOTIATION: "nonsense",
    PGSSLMODE: "verify-full",
    PGREPLICATION: "database",
    PGAPPNAME: "zz",
    PGCLIENT_ENCODING: "LATIN1",
    PGBINARY: "1",
    PGUSER: "zz",
    PGPASSWORD: "zz",
    PGDATABASE: "zz",
    PGHOST: "zz.invalid",
    PGPORT: "1",
    PGCONNECT_TIMEOUT: "1",
    PGDATESTYLE: "nonsense",
    PGDATA: "/zz",
    PGPASSFILE: "/zz",
    NODE_PG_FORCE_NATIVE: "1",
  };
  await using program = await openProgram({ ...testEnvironment(database.url), ...shell });
  expect((await fetch(`${program.baseUrl}/api/v1/concerts`)).status).toBe(200);
  const names = await database.query(
    "SELECT DISTINCT application_name AS name FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
  );
  expect(names).toContainEqual({ name: "frontrow" });
  expect(names).not.toContainEqual({ name: "zz" });
});

describe("time limits", () => {
  test("every connection's reads have the service's limit, not the role's", async () => {
    const { role, url } = await createRole("statement_timeout = '7s'");
    const store = openStore(url, { statementTimeoutMs: 4_321 });
    onTestFinished(async () => void (await store.close()));
    const limit = async () => {
      const show = sql<{ limit: string }>`select current_setting('statement_timeout') as limit`;
      return (await store.read((db) => show.execute(db), openDeadline())).rows[0]?.limit;
    };
    expect(await limit()).toBe("4321ms");
    await database.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1", [role]);
    expect(await limit()).toBe("4321ms");
  });

  test("a migration waits for another one beyond the role's limit", async () => {
    const { url, role } = await createRole("statement_timeout = '50ms'");
    const lock = await holdLock(database, "SELECT pg_advisory_xact_lock(3853314791062309107)");
    const store = openStore(url);
    onTestFinished(async () => void (await store.close()));
    const migrated = store.migrate();
    migrated.catch(() => {});
    const waiting = `SELECT 1 FROM pg_stat_activity WHERE usename = $1 AND wait_event_type = 'Lock'
      AND clock_timestamp() - query_start > interval '200 ms'`;
    await vi.waitFor(async () => expect(await database.query(waiting, [role])).toHaveLength(1), wait);
    await lock.release();
    expect(await migrated).toEqual({ applied: [], later: [] });
  });
});

describe("a failed connection attempt", () => {
  test("is DATABASE_UNAVAILABLE for reads and bookings", async () => {
    const { role, url } = await createRole();
    const service = await startTestService({ APP_MAX_RETRIES: "0" }, { ...database, url });
    onTestFinished(() => service.close());
    const { body: concert } = await postJson(service.baseUrl, "/api/v1/concerts", moonlightJson);
    await database.query(`ALTER ROLE ${role} NOLOGIN`);
    await database.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1", [role]);
    const none = "SELECT 1 FROM pg_stat_activity WHERE usename = $1";
    await vi.waitFor(async () => expect(await database.query(none, [role])).toEqual([]), wait);
    for (let call = 0; call < 10; call++) {
      const fresh = { headers: { "Cache-Control": "no-cache" } };
      const read = await fetch(`${service.baseUrl}/api/v1/concerts/${concert.id}`, fresh);
      expect([read.status, read.headers.has("retry-after")]).toEqual([503, true]);
      expect(await read.json()).toMatchObject({ reason: "DATABASE_UNAVAILABLE" });
      const request = { concert_id: concert.id, user_id: "nora", ticket_count: 1 };
      expect(await postJson(service.baseUrl, "/api/v1/bookings", request)).toMatchObject({
        status: 503,
        body: { reason: "DATABASE_UNAVAILABLE" },
      });
    }
    await database.query(`ALTER ROLE ${role} LOGIN`);
    await vi.waitFor(async () => {
      const request = { concert_id: concert.id, user_id: "nora", ticket_count: 1 };
      expect((await postJson(service.baseUrl, "/api/v1/bookings", request)).status).toBe(201);
    }, wait);
  });

  test.each([
    ["a wrong password", { password: "wrong" }, "28P01"],
    ["a database that is not there", { name: "missing" }, "3D000"],
    ["a role that is not there", { username: "missing" }, "28P01"],
  ])("keeps PostgreSQL's code: %s", async (_, wrong, code) => {
    const store = openStore(database.url, { ...wrong, maxRetries: 0 });
    onTestFinished(async () => void (await store.close()));
    await expect(store.read((db) => sql`select 1`.execute(db), openDeadline())).rejects.toMatchObject({
      failure: { reason: "DATABASE_UNAVAILABLE" },
      cause: { name: "ConnectFailure", cause: { code } },
    });
  });
});

// Both tests wait for the same limit of five seconds.
describe.concurrent("a wait for a connection that exceeds its limit", () => {
  /** A store with one connection, which is busy. */
  async function busyStore(lockId: number) {
    const proxy = await startPostgresProxy(database.url);
    const store = openStore(proxy.url(database.url), { poolSize: 1, maxRetries: 0 });
    const lock = await holdLock(database, `SELECT pg_advisory_lock(${lockId})`);
    const busy = store.read((db) => sql`select pg_advisory_lock_shared(${lockId})`.execute(db), openDeadline());
    await lock.untilInTheWay();
    const close = async () => {
      proxy.releaseAnswers();
      await lock.release();
      await busy;
      await store.close();
      await proxy.close();
    };
    return { proxy, store, [Symbol.asyncDispose]: close };
  }

  const one = sql`select 1`;
  const calls = (store: Store) => [
    store.read((db) => one.execute(db), openDeadline()),
    transact(store, (transaction) => one.execute(transaction)),
  ];

  test("is DATABASE_UNAVAILABLE if the server has answered nothing meanwhile", async () => {
    await using busy = await busyStore(1);
    const { proxy, store } = busy;
    proxy.holdAnswers();
    for (const { reason } of (await Promise.allSettled(calls(store))) as PromiseRejectedResult[]) {
      expect(reason).toMatchObject({ failure: { reason: "DATABASE_UNAVAILABLE" } });
    }
  });

  test("is OVERLOADED if the server has answered other calls", async () => {
    await using busy = await busyStore(2);
    const { store } = busy;
    let isOver = false;
    const waiting = Promise.allSettled(calls(store)).finally(() => {
      isOver = true;
    });
    while (!isOver) {
      await store.ping();
      await delay(50);
    }
    for (const { reason } of (await waiting) as PromiseRejectedResult[]) {
      expect(reason).toMatchObject({ failure: { reason: "OVERLOADED" } });
    }
  });
});

describe("a database that cannot store every text", () => {
  async function createOther(options: string) {
    const name = `frontrow_test_${randomUUID().replaceAll("-", "")}`;
    const admin = new pg.Client({ connectionString: inject("adminUrl") });
    await admin.connect();
    await admin.query(`CREATE DATABASE ${name} TEMPLATE template0 ${options}`);
    onTestFinished(async () => {
      await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
      await admin.end();
    });
    const url = new URL(inject("adminUrl"));
    url.pathname = `/${name}`;
    return url.href;
  }

  test.each([
    ["LATIN1", ["--migrate"]],
    ["LATIN1", []],
    ["SQL_ASCII", []],
    ["KOI8R", []],
  ])("is rejected at the start in one sentence with the remedy: %s %j", async (encoding, flags) => {
    const url = await createOther(`ENCODING '${encoding}' LOCALE 'C'`);
    await using program = startProgram(testEnvironment(url), flags);
    expect(await program.ended).toBe(1);
    expect(program.output()).toMatch(new RegExp(`^frontrow: .*encoding ${encoding}.*ENCODING 'UTF8'[^\\n]*$`, "m"));
    expect(program.output()).not.toMatch(/\n\s+at /);
  });

  test("gets a warning if its locale has no upper and lower case", async () => {
    const url = await createOther("ENCODING 'UTF8' LOCALE 'C' LOCALE_PROVIDER libc");
    const store = openStore(url);
    onTestFinished(async () => void (await store.close()));
    expect(await store.check()).toEqual([
      expect.stringMatching(/letters outside of ASCII are slow.*LC_CTYPE 'C.UTF-8'/),
    ]);
    const good = openStore(database.url);
    expect(await good.check().finally(() => good.close())).toEqual([]);
  });
});
