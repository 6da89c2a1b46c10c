import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import type { Store } from "../src/store/store.ts";
import { createTestDatabase, type TestDatabase } from "./support/database/database.ts";
import { openDeadline, openStore, transact } from "./support/database/store.ts";

let database: TestDatabase;
/** It has one connection. */
let store: Store;

beforeAll(async () => {
  database = await createTestDatabase();
  store = openStore(database.url, { poolSize: 1 });
});

afterEach(() => vi.restoreAllMocks());

afterAll(async () => {
  await store.close();
  await database.drop();
});

/** A transaction that keeps the connection until the test releases it. */
function occupy() {
  const begun = Promise.withResolvers<void>();
  const finish = Promise.withResolvers<void>();
  const finished = transact(store, () => {
    begun.resolve();
    return finish.promise;
  });
  return {
    begun: begun.promise,
    finish: async () => {
      finish.resolve();
      await finished;
    },
  };
}

test("a transaction whose call is cancelled in the queue never opens", async () => {
  const rival = occupy();
  await rival.begun;
  const deadline = openDeadline();
  const work = vi.fn();
  const abandoned = [transact(store, work, deadline), store.read(work, deadline)];
  deadline.pass();
  const gaveUp = { status: "rejected", reason: { failure: { reason: "DEADLINE_EXCEEDED", begun: false } } };
  const outcomes = Promise.allSettled(abandoned);
  await rival.finish();
  expect(await outcomes).toMatchObject([gaveUp, gaveUp]);
  expect(work).not.toHaveBeenCalled();
});

test("a transaction whose call is cancelled before the second attempt is not attempted again, even if it waits for a connection", async () => {
  vi.spyOn(Math, "random").mockReturnValue(0);
  const first = occupy();
  await first.begun;
  const deadline = openDeadline();
  const work = vi.fn((transaction) => sql`do $$ begin raise sqlstate '40001'; end $$`.execute(transaction));
  const abandoned = expect(transact(store, work, deadline)).rejects.toThrow();
  // It gets the connection after the first attempt, so that the second one has to wait.
  const rival = occupy();
  await first.finish();
  await rival.begun;
  await store.ping();
  expect(deadline.progress).toBe("waiting");
  deadline.pass();
  await rival.finish();
  await abandoned;
  expect(work).toHaveBeenCalledOnce();
});

test("the probe of the database is answered while calls wait for a connection", async () => {
  const rival = occupy();
  await rival.begun;
  await store.ping();
  await rival.finish();
});
