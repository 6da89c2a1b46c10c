/** The service behind a PgBouncer in transaction mode, where each transaction may have another session. */

import { sql } from "kysely";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "./support/database/database.ts";
import { holdLock } from "./support/database/locks.ts";
import { openDeadline, openStore } from "./support/database/store.ts";
import { hasPgBouncer, startPgBouncer } from "./support/process/pgbouncer.ts";
import { postJson } from "./support/service/rest.ts";
import { startTestService } from "./support/service/service.ts";
import { moonlightJson } from "./support/service/stage.ts";

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
  await database.query(`ALTER DATABASE ${new URL(database.url).pathname.slice(1)} SET timezone = 'Asia/Kolkata'`);
});
afterAll(() => database.drop());

async function bouncer(settings: Record<string, string> = {}): Promise<string> {
  const { url, close } = await startPgBouncer(database.url, settings);
  onTestFinished(close);
  return url;
}

const openAlways = { booking_start_time: "0001-01-01T00:00:00Z", booking_end_time: "9999-12-31T23:59:59Z" };

describe.skipIf(!hasPgBouncer)("a pooler in transaction mode", () => {
  test("without prepared statements fails no booking, and the log names it once", async () => {
    // By default the session used last comes first, so that statements are lost at random.
    const url = await bouncer({ server_round_robin: "1" });
    await using service = await startTestService({}, { ...database, url }, "warn");
    const post = (path: string, body: object) => postJson(service.baseUrl, path, body);
    const concert = { ...moonlightJson, ...openAlways };
    const concerts = await Promise.all(Array.from({ length: 10 }, () => post("/api/v1/concerts", concert)));
    expect(concerts.map(({ body }) => body.booking_end_time)).toEqual(concerts.map(() => concert.booking_end_time));
    const answers: unknown[] = [];
    const users = Array.from({ length: 20 }, async (_, user) => {
      for (let turn = 0; turn < 10; turn++) {
        const concert_id = concerts[(user + turn) % concerts.length]?.body.id;
        const answer = await post("/api/v1/bookings", { concert_id, user_id: `user-${user}`, ticket_count: 1 });
        if (answer.status !== 201) answers.push(answer);
      }
    });
    await Promise.all(users);
    expect(answers).toEqual([]);
    expect(service.lines.filter((line) => line.includes("APP_DATABASE_PREPARED_STATEMENTS=false"))).toHaveLength(1);
    await database.checkInvariants();
  });

  test("has no setting and no lock of ours left on its sessions", async () => {
    const url = await bouncer({ default_pool_size: "1" });
    const store = openStore(url, { statementTimeoutMs: 4_321 });
    expect((await store.migrate()).applied).toEqual([]);
    await store.read((db) => sql`select 1`.execute(db), openDeadline()).finally(() => store.close());
    const other = new pg.Client({ connectionString: url });
    await other.connect();
    onTestFinished(() => other.end());
    const { rows } = await other.query(`SELECT current_setting('statement_timeout') AS statement,
      current_setting('lock_timeout') AS lock, current_setting('idle_in_transaction_session_timeout') AS idle,
      (SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()) AS locks`);
    expect(rows).toEqual([{ statement: "0", lock: "0", idle: "0", locks: 0 }]);
  });

  test.each([
    ["refuses", {}],
    ["ignores", { ignore_startup_parameters: "statement_timeout" }],
  ])(
    "that %s a time limit at connect: reads still have the service's limit",
    async (_, settings: Record<string, string>) => {
      const store = openStore(await bouncer(settings), { statementTimeoutMs: 4_321 });
      onTestFinished(async () => void (await store.close()));
      const show = sql<{ limit: string }>`select current_setting('statement_timeout') as limit`;
      const limit = async () => (await store.read((db) => show.execute(db), openDeadline())).rows[0]?.limit;
      expect([await limit(), await limit()]).toEqual(["4321ms", "4321ms"]);
    },
  );

  test("whose sessions are all taken fails calls within its query_wait_timeout, and serves later ones", async () => {
    const store = openStore(await bouncer({ default_pool_size: "1", query_wait_timeout: "1" }), {
      ...{ poolSize: 2, maxRetries: 0, preparedStatements: false },
    });
    onTestFinished(async () => void (await store.close()));
    const read = (text: string) => store.read((db) => sql.raw(text).execute(db), openDeadline());
    const lock = await holdLock(database, "SELECT pg_advisory_lock(1)");
    const busy = read("select pg_advisory_xact_lock_shared(1)");
    await lock.untilInTheWay();
    await expect(read("select 1")).rejects.toMatchObject({ failure: { reason: "DATABASE_UNAVAILABLE" } });
    await lock.release();
    await busy;
    await expect(read("select 1")).resolves.toBeDefined();
  });
});
