/** What the store publishes about its connections and retries. */
import { sql } from "kysely";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { concertIdOf } from "../src/domain/ids.ts";
import type { Publish } from "../src/domain/publish.ts";
import type { StoreEvents } from "../src/store/events.ts";
import type { Store } from "../src/store/store.ts";
import { createTestDatabase, type TestDatabase } from "./support/database/database.ts";
import { lockOnly, openDeadline, openStore, transact } from "./support/database/store.ts";

let database: TestDatabase;
let store: Store;
const events: [name: keyof StoreEvents, event: unknown][] = [];
const publish: Publish<StoreEvents> = (name, event) => void events.push([name, event]);
const names = () => events.map(([name]) => name);

beforeAll(async () => {
  database = await createTestDatabase();
  store = openStore(database.url, { poolSize: 1, maxRetries: 1, publish });
});
beforeEach(() => {
  events.length = 0;
});
afterAll(async () => {
  await store.close();
  await database.drop();
});

test.each([
  ["a read", () => store.read((db) => sql`select 1`.execute(db), openDeadline())],
  ["a transaction", () => transact(store, async () => {})],
  ["a transaction that throws", () => transact(store, () => Promise.reject(new Error("no"))).catch(() => {})],
  [
    "a batch of a concert that does not exist",
    async () => {
      await using open = await store.batches.open(lockOnly(concertIdOf(1n)));
      expect(open.state).toBeUndefined();
    },
  ],
])("%s borrows one connection and returns it", async (_, work) => {
  await work();
  expect(events).toEqual([
    ["store.connection_lent", { pool: "main" }],
    ["store.connection_waited", { pool: "main", waitMs: expect.any(Number) }],
    ["store.connection_returned", { pool: "main", heldMs: expect.any(Number) }],
  ]);
});

test("a transaction that is retried publishes the error and the number of the retry", async () => {
  vi.spyOn(Math, "random").mockReturnValue(0);
  const work = vi.fn((transaction) => sql`do $$ begin raise sqlstate '40001'; end $$`.execute(transaction));
  await expect(transact(store, work)).rejects.toMatchObject({ failure: { reason: "DATABASE_UNAVAILABLE" } });
  const borrowed = ["store.connection_lent", "store.connection_waited", "store.connection_returned"];
  expect(names()).toEqual([...borrowed, "store.retried", ...borrowed]);
  expect(events[3]?.[1]).toEqual({ attempt: 1, error: expect.objectContaining({ code: "40001" }) });
});

test.each(["read", "search"] as const)("a %s publishes its wait for a place, also if it gives up", async (kind) => {
  const [started, release] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const inside = store.read(async () => {
    started.resolve();
    await release.promise;
  }, openDeadline());
  await started.promise;
  const caller = new AbortController();
  const waiting = store[kind]((db) => sql`select 1`.execute(db), openDeadline());
  const leaving = store[kind]((db) => sql`select 1`.execute(db), { ...openDeadline(), signal: caller.signal });
  events.length = 0;
  caller.abort();
  await expect(leaving).rejects.toMatchObject({ failure: { reason: "DEADLINE_EXCEEDED" } });
  expect(names()).toEqual(["store.connection_waited"]);
  release.resolve();
  await Promise.all([inside, waiting]);
  const others = ["store.connection_returned", "store.connection_lent", "store.connection_waited"];
  expect(names()).toEqual(["store.connection_waited", ...others, "store.connection_returned"]);
  const waitsMs = events.flatMap(([, event]) =>
    event && typeof event === "object" && "waitMs" in event ? event.waitMs : [],
  );
  expect(waitsMs).toEqual([expect.any(Number), expect.any(Number)]);
});

test("an idle connection that breaks is published", async () => {
  await store.read((db) => sql`select 1`.execute(db), openDeadline());
  await database.query(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'frontrow'",
  );
  await vi.waitFor(() => expect(names()).toContain("store.connection_lost"), 20_000);
});

test("old rows can be deleted over a connection that is new", async () => {
  const fresh = openStore(database.url, { poolSize: 1, maxRetries: 0 });
  const deleted = fresh.clean((db) => sql`delete from batches`.execute(db), openDeadline());
  await expect(deleted.finally(() => fresh.close())).resolves.toBeDefined();
});
