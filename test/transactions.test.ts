import { type Kysely, sql, type Transaction } from "kysely";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import type { Reason } from "../src/domain/errors.ts";
import type { Store } from "../src/store/store.ts";
import type { DB } from "../src/store/tables.ts";
import { underLock } from "../src/store/values.ts";
import { createTestDatabase, type TestDatabase } from "./support/database.ts";
import { holdLock } from "./support/locks.ts";
import { openDeadline, openStore } from "./support/store.ts";
import { startTcpProxy, type TcpProxy } from "./support/tcp-proxy.ts";

const poolSize = 2;

let database: TestDatabase;
let proxy: TcpProxy;
let store: Store;
/** Its statements may take so short a time that one without an answer is soon given up. */
let hasty: Store;

beforeAll(async () => {
  database = await createTestDatabase();
  await database.query(`
    CREATE TABLE counters (id int PRIMARY KEY, n int NOT NULL);
    INSERT INTO counters SELECT id, 0 FROM generate_series(1, 3) AS id;
    CREATE FUNCTION fail(state text) RETURNS int LANGUAGE plpgsql AS
      'BEGIN RAISE EXCEPTION USING ERRCODE = state; END'`);
  proxy = await startTcpProxy(database.url);
  const url = proxy.url(database.url);
  store = openStore(url, { poolSize, maxRetries: 2 });
  hasty = openStore(url, { poolSize, maxRetries: 0, statementTimeoutMs: 1_000 });
});

afterEach(() => vi.restoreAllMocks());

afterAll(async () => {
  await Promise.all([store.close(), hasty.close()]);
  await proxy.close();
  await database.drop();
});

type Work = (transaction: Transaction<DB>) => Promise<unknown>;

/** Runs a transaction whose result does not matter. */
function transact(work: Work, { on = store, deadline = openDeadline() } = {}): Promise<void> {
  return on.transact(async (transaction) => {
    const { rows } = await sql<{ id: string }>`select ${underLock.transactionId} as id`.execute(transaction);
    await work(transaction);
    return { result: undefined, transactionId: rows[0]?.id ?? "" };
  }, deadline);
}

function increment(id: number): Work {
  return (transaction) => sql`update counters set n = n + 1 where id = ${id}`.execute(transaction);
}

async function counter(id: number): Promise<number | undefined> {
  const [row] = await database.query<{ n: number }>("SELECT n FROM counters WHERE id = $1", [id]);
  return row?.n;
}

/** A place where so many have to arrive before any goes on. */
function meeting(count: number): { arrive(): Promise<void>; callOff(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const arrive = () => {
    count--;
    if (count === 0) resolve();
    return promise;
  };
  return { arrive, callOff: resolve };
}

/** Every connection of the pool can be used, all of them at once. */
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
    expect(tried).toBe(3);
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

  test("an administrator's end of its session", () => expectOneRepetition(terminate, increment(3)));

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

test("a COMMIT that PostgreSQL answers with ROLLBACK is no success", async () => {
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

describe("more failures than there are connections leave the pool whole:", () => {
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
  test("costs no connection for long: callers are told, and all goes on once it is back", async () => {
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

  test("in a COMMIT does not hide that it has succeeded", async () => {
    const before = (await counter(1)) ?? 0;
    const held = [proxy.failNextCommit("answer held"), proxy.failNextCommit("answer held")];
    await Promise.all([...held, transact(increment(1), { on: hasty }), transact(increment(1), { on: hasty })]);
    expect(await counter(1)).toBe(before + 2);
    await expectWholePool(hasty);
  });
});

describe("a caller who waits no more", () => {
  /** A store with one connection, which is in use until told otherwise. */
  async function busyStore() {
    const busy = openStore(database.url, { poolSize: 1 });
    const { promise: finished, resolve: finish } = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const using = transact(
      async () => {
        begun.resolve();
        await finished;
      },
      { on: busy },
    );
    await begun.promise;
    return { busy, finish, close: () => using.then(() => busy.close()) };
  }

  test("costs nothing when the turn comes", async () => {
    const { busy, finish, close } = await busyStore();
    const deadline = openDeadline();
    const work = vi.fn();
    const abandoned = [transact(work, { on: busy, deadline }), busy.read(work, deadline)];
    deadline.pass();
    finish();
    for (const call of abandoned) {
      await expect(call).rejects.toMatchObject({ failure: { reason: "DEADLINE_EXCEEDED", begun: false } });
    }
    expect(work).not.toHaveBeenCalled();
    await close();
  });

  test("gets no second attempt, also if it already waits for a connection", async () => {
    vi.spyOn(Math, "random").mockReturnValue(0);
    const { busy, finish, close } = await busyStore();
    const deadline = openDeadline();
    const rival = Promise.withResolvers<void>();
    let tried = 0;
    const abandoned = transact(
      async (transaction) => {
        tried++;
        await sql`select fail('40001')`.execute(transaction);
      },
      { on: busy, deadline },
    );
    // It gets the connection after the first attempt, so that the second one has to wait.
    const rivalBegun = Promise.withResolvers<void>();
    const using = transact(
      async () => {
        rivalBegun.resolve();
        await rival.promise;
      },
      { on: busy },
    );
    finish();
    await rivalBegun.promise;
    await busy.ping();
    expect(deadline.begun).toBe(false);
    deadline.pass();
    rival.resolve();
    await expect(abandoned).rejects.toThrow();
    expect(tried).toBe(1);
    await using;
    await close();
  });

  test("does not hold up the question whether the database is there", async () => {
    const { busy, finish, close } = await busyStore();
    await busy.ping();
    finish();
    await close();
  });
});
