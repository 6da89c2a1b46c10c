/** A connection whose server has become read-only. A repeated transaction must not get the same connection. */
import { sql } from "kysely";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { concertIdOf } from "../src/domain/ids.ts";
import type { Store } from "../src/store/store.ts";
import { createTestDatabase, type TestDatabase } from "./support/database/database.ts";
import { lockOnly, openDeadline, openStore, transact } from "./support/database/store.ts";

let database: TestDatabase;
/** It has one connection. */
let store: Store;

beforeAll(async () => {
  database = await createTestDatabase();
  await database.query("CREATE TABLE counters (n int NOT NULL); INSERT INTO counters VALUES (0)");
  store = openStore(database.url, { poolSize: 1, maxRetries: 1 });
});

afterAll(async () => {
  await store.close();
  await database.drop();
});

beforeEach(() => store.read((db) => sql`set default_transaction_read_only = on`.execute(db), openDeadline()));

test("a transaction succeeds at its first repetition on another connection", async () => {
  await transact(store, (transaction) => sql`update counters set n = n + 1`.execute(transaction));
  expect(await database.query("SELECT n FROM counters")).toEqual([{ n: 1 }]);
});

test("a batch succeeds at its first repetition on another connection", async () => {
  const open = () => store.batches.open(lockOnly(concertIdOf(1n)));
  await expect(open()).rejects.toMatchObject({ code: "25006" });
  await using repeated = await open();
  expect(repeated.state).toBeUndefined();
});
