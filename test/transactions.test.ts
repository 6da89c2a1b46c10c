import { type Kysely, sql, type Transaction } from "kysely";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Reason } from "../src/domain/failure.ts";
import type { Store } from "../src/store/store.ts";
import type { DB } from "../src/store/tables.ts";
import { createTestDatabase, type TestDatabase } from "./support/database/database.ts";
import { holdLock } from "./support/database/locks.ts";
import { type PostgresProxy, startPostgresProxy } from "./support/database/postgres-proxy.ts";
import { openDeadline, openStore, transact as transactOn, type Work } from "./support/database/store.ts";

const poolSize = 2;

let database: TestDatabase;
let proxy: PostgresProxy;
let store: Store;
/** Its statement timeout is short, so that a statement without an answer is given up soon. */
let hasty: Store;

beforeAll(async () => {
  database = await createTestDatabase();
  await database.query(`
    CREATE TABLE counters (id int PRIMARY KEY, n int NOT NULL);
    INSERT INTO counters SELECT id, 0 FROM generate_series(1, 3) AS id;
    CREATE FUNCTION fail(state text) RETURNS int LANGUAGE plpgsql AS
      'BEGIN RAISE EXCEPTION USING ERRCODE = state; END'`);
  proxy = await startPostgresProxy(database.url);
  const url = proxy.url(database.url);
  store = openStore(url, { poolSize, maxRetries: 2 });
  hasty = openStore(url, { poolSize, maxRetries: 0, statementTimeoutMs: 1_000 });
});

afterAll(async () => {
  await Promise.all([store.close(), hasty.close()]);
  await proxy.close();
  await database.drop();
});

const transact = (work: Work, { on = store } = {}) => transactOn(on, work);

function increment(id: number): Work {
  return (transaction) => sql`update counters set n = n + 1 where id = ${id}`.execute(transaction);
}

async function counter(id: number): Promise<number | undefined> {
  const [row] = await database.query<{ n: number }>("SELECT n FROM counters WHERE id = $1", [id]);
  return row?.n;
}

/** A barrier at which so many have to arrive before any goes on. */
function meeting(count: number): { arrive(): Promise<void>; callOff(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const arrive = () => {
    count--;
    if (count === 0) resolve();
    return promise;
  };
  return { arrive, callOff: resolve };
}

/** Checks that every connection of the pool can be used, all at once. */
async function expectWholePool(used: Store): Promise<void> {
  const { arrive, callOff } = meeting(poolSize);
  const all = Array.from({ length: poolSize }, () => transact(arrive, { on: used }));
  await Promise.all(all).finally(callOff);
}

async function terminate(transaction: Kysely<DB>): Promise<void> {
  const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(transaction);
  const pid = rows[0]?.pid;
  await database.query("SELECT pg_terminate_backend($1, 10000)", [pid]);
}

const failsWith = (reason: Reason) => expect.objectContaining({ failure: expect.objectContaining({ reason }) });

describe("a transaction that fails with", () => {
  const attemptsAtMost = 3;
  test.each<[state: string, attempts: number, reason: Reason | undefined]>([
    ["40001", attemptsAtMost, "DATABASE_UNAVAILABLE"],
    ["40P01", attemptsAtMost, "DATABASE_UNAVAILABLE"],
    ["55P03", attemptsAtMost, "OVERLOADED"],
    ["57P01", attemptsAtMost, "DATABASE_UNAVAILABLE"],
    ["57P02", attemptsAtMost, "DATABASE_UNAVAILABLE"],
    ["57P03", attemptsAtMost, "DATABASE_UNAVAILABLE"],
    ["57P05", attemptsAtMost, "DATABASE_UNAVAILABLE"],
    ["25006", attemptsAtMost, "DATABASE_UNAVAILABLE"],
    ["08006", attemptsAtMost, "DATABASE_UNAVAILABLE"],
    ["57014", 1, "DATABASE_UNAVAILABLE"],
    ["53100", 1, "DATABASE_UNAVAILABLE"],
    ["53300", 1, "DATABASE_UNAVAILABLE"],
    ["23505", 1, undefined],
    ["22012", 1, undefined],
    ["XX000", 1, undefined],
  ])("%s is tried %i times", async (state, attempts, reason) => {
    let tried = 0;
    const failure = transact(async (transaction) => {
      tried++;
      await increment(1)(transaction);
      await sql`select fail(${state})`.execute(transaction);
    });
    await expect(failure).rejects.toEqual(reason ? failsWith(reason) : expect.objectContaining({ code: state }));
    expect(tried).toBe(attempts);
    expect(await counter(1)).toBe(0);
  });
});

describe("a transaction is repeated, and then succeeds, after", () => {
  /** What happens in the first attempt before the rest of it, which is the same in every attempt. */
  async function expectOneRepetition(disturb: Work, work: Work): Promise<void> {
    let tried = 0;
    await transact(async (transaction) => {
      if (++tried === 1) await disturb(transaction);
      await work(transaction);
    });
    expect(tried).toBe(2);
  }

  test("a deadlock", async () => {
    const before = await Promise.all([counter(1), counter(2)]);
    const { arrive } = meeting(2);
    let tried = 0;
    const crossing = (first: number, second: number) =>
      transact(async (transaction) => {
        await increment(first)(transaction);
        if (++tried <= 2) await arrive();
        await increment(second)(transaction);
      });
    await Promise.all([crossing(1, 2), crossing(2, 1)]);
    // The repetition may take its first row before the other one wakes up, and meet it again.
    expect(tried).toBeGreaterThan(2);
    expect(await Promise.all([counter(1), counter(2)])).toEqual(before.map((n = 0) => n + 2));
  });

  test("a wait for a lock that took too long", async () => {
    const impatient = openStore(database.url, { lockTimeoutMs: 20 });
    const held = await holdLock(database, "SELECT FROM counters WHERE id = 3 FOR UPDATE");
    let tried = 0;
    await transact(
      async (transaction) => {
        if (++tried === 2) await held.release();
        await increment(3)(transaction);
      },
      { on: impatient },
    );
    expect(tried).toBe(2);
    await impatient.close();
  });

  test("an administrator terminates its session", () => expectOneRepetition(terminate, increment(3)));

  test("the loss of its connection between two statements", () =>
    expectOneRepetition(async () => proxy.cut(), increment(3)));

  test("the loss of its connection in a statement", async () => {
    const held = await holdLock(database, "SELECT FROM counters WHERE id = 3 FOR UPDATE");
    const cutWhileWaiting = async (transaction: Transaction<DB>) => {
      const waiting = increment(3)(transaction);
      await held.untilWaiting(1);
      proxy.cut();
      await waiting.finally(() => held.release());
    };
    await expectOneRepetition(cutWhileWaiting, increment(3));
  });
});

test("a COMMIT that PostgreSQL answers with ROLLBACK is an error", async () => {
  const before = await counter(1);
  let tried = 0;
  const failure = transact(async (transaction) => {
    tried++;
    await increment(1)(transaction);
    await sql`select 1/0`.execute(transaction).catch(() => {});
  });
  await expect(failure).rejects.toEqual(failsWith("DATABASE_UNAVAILABLE"));
  expect(tried).toBe(3);
  expect(await counter(1)).toBe(before);
});

describe("more failures than connections leave the pool whole:", () => {
  const unrepeated: Work = async (transaction) => {
    await sql`select fail('22012')`.execute(transaction);
  };
  const failures: Record<string, Work> = {
    "errors of the work itself": () => Promise.reject(new Error("refused")),
    "errors of PostgreSQL": unrepeated,
    "sessions that were ended": async (transaction) => {
      await terminate(transaction);
      await unrepeated(transaction);
    },
    "lost connections": async (transaction) => {
      proxy.cut();
      await unrepeated(transaction);
    },
    "lost COMMITs": async () => void proxy.failNextCommit("undelivered"),
    "failed COMMITs": (transaction) => unrepeated(transaction).catch(() => {}),
  };

  test.each(Object.entries(failures))("%s", async (_name, work) => {
    const once = openStore(proxy.url(database.url), { poolSize, maxRetries: 0 });
    for (let index = 0; index <= poolSize; index++) await expect(transact(work, { on: once })).rejects.toThrow();
    await expectWholePool(once);
    await once.close();
  });
});

describe("a network that hangs", () => {
  test("takes no connection for long: calls fail, and succeed again once it is back", async () => {
    await expectWholePool(hasty);
    await hasty.ping();
    proxy.holdAnswers();
    const read = hasty.read((db) => sql`select 1`.execute(db), openDeadline());
    const calls = await Promise.allSettled([transact(increment(1), { on: hasty }), read, hasty.ping()]);
    proxy.releaseAnswers();
    expect(calls).toEqual([
      { status: "rejected", reason: failsWith("DATABASE_UNAVAILABLE") },
      { status: "rejected", reason: failsWith("DATABASE_UNAVAILABLE") },
      { status: "rejected", reason: expect.any(Error) },
    ]);
    await expectWholePool(hasty);
    await hasty.ping();
  });

  test("during a COMMIT does not hide its success", async () => {
    const before = (await counter(1)) ?? 0;
    const held = [proxy.failNextCommit("answer held"), proxy.failNextCommit("answer held")];
    await Promise.all([...held, transact(increment(1), { on: hasty }), transact(increment(1), { on: hasty })]);
    expect(await counter(1)).toBe(before + 2);
    await expectWholePool(hasty);
  });
});

test("a read that takes too long is ended by PostgreSQL, and its connection stays in use", async () => {
  const read = hasty.read((db) => sql`select pg_sleep(30)`.execute(db), openDeadline());
  await expect(read).rejects.toEqual(failsWith("DATABASE_UNAVAILABLE"));
  const asleep = "SELECT FROM pg_stat_activity WHERE query = 'select pg_sleep(30)' AND state = 'active'";
  // The session becomes idle a moment after its error has been sent.
  await vi.waitFor(async () => expect(await database.query(asleep)).toEqual([]), 5_000);
  await expectWholePool(hasty);
});
