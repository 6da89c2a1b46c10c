/** A batch that fails half-way releases its connection and its lock. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type BookingEngine, createBookingEngine } from "../src/booking/engine.ts";
import type { Booking } from "../src/domain/booking.ts";
import { type ConcertId, concertIdOf } from "../src/domain/ids.ts";
import type { Store } from "../src/store/store.ts";
import { verdict } from "./support/booking/engine-stage.ts";
import { bookingRequest, exampleBooking, examplePolicy, owner } from "./support/booking/example-bookings.ts";
import { createTestDatabase, type TestDatabase } from "./support/database/database.ts";
import { lockOnly, openDeadline, openStore } from "./support/database/store.ts";
import { insertConcerts } from "./support/service/stage.ts";

const poolSize = 2;
/** One more than there are connections. Each batch is for another concert, so that no lock makes it wait. */
const concertCount = poolSize + 1;

let database: TestDatabase;
let store: Store;
let engine: BookingEngine;
let concertIds: ConcertId[];
let isPolicyBroken = false;

beforeAll(async () => {
  database = await createTestDatabase();
  store = openStore(database.url, { poolSize, lockTimeoutMs: 500, maxRetries: 0 });
  const policy = {
    ...examplePolicy,
    get maxTicketsPerBooking() {
      if (isPolicyBroken) throw new Error("the policy is broken");
      return 10;
    },
  };
  engine = createBookingEngine(store.batches, {
    ...{ policy, maxQueuedRequests: 100, maxConcurrentBatches: poolSize, maxRetries: 0, concertChanged: () => {} },
  });
});
beforeEach(async () => {
  concertIds = await insertConcerts(database, { total_tickets: 10 }, concertCount);
});
afterAll(async () => {
  await engine.idle();
  await store.close();
  await database.drop();
});

const bookOfEach = (userId = "ann") =>
  Promise.all(
    concertIds.map((concertId) => {
      const actor = { subject: userId, address: undefined };
      const order = bookingRequest({ concertId, userId, ticketCount: 1, requestId: randomUUID(), actor });
      return verdict(engine.submit(order, openDeadline()));
    }),
  );

/** How many of the service's sessions hold a transaction open. */
async function openTransactions(): Promise<number> {
  const rows = await database.query(
    `SELECT FROM pg_stat_activity
     WHERE datname = current_database() AND application_name = 'frontrow' AND state LIKE 'idle in transaction%'`,
  );
  return rows.length;
}

test("a policy that throws leaks no connection and no lock", async () => {
  isPolicyBroken = true;
  expect(await bookOfEach()).toEqual(concertIds.map(() => "the policy is broken"));
  isPolicyBroken = false;
  expect(await bookOfEach()).toEqual(concertIds.map(() => "OK"));
  expect(await openTransactions()).toBe(0);
});

test("parameters that cannot be sent leak no connection and no lock", async () => {
  const [concertId = concertIdOf(0n)] = concertIds;
  const unreadable = {
    get userId(): string {
      throw new Error("no user");
    },
    requestId: randomUUID(),
  };
  for (const _ of concertIds) {
    const query = { ...lockOnly(concertId), keys: [unreadable] };
    await expect(store.batches.open(query)).rejects.toThrow("no user");
    await expect(store.batches.find(concertId, [unreadable])).rejects.toThrow("no user");
  }
  expect(await bookOfEach()).toEqual(concertIds.map(() => "OK"));
  expect(await openTransactions()).toBe(0);
});

test("a batch whose writes cannot be sent leaks no connection and no lock, and stores nothing", async () => {
  const unwritable: Booking = {
    ...exampleBooking,
    requestId: randomUUID(),
    get ticketCount(): number {
      throw new Error("no count");
    },
  };
  for (const concertId of concertIds) {
    await using open = await store.batches.open(lockOnly(concertId));
    const inserts = [{ booking: unwritable, actor: owner }];
    const effects = { availableTickets: 9, heldTickets: 0, inserts, updates: [], entries: [] };
    await expect(open.commit(effects)).rejects.toThrow("no count");
  }
  expect(await bookOfEach()).toEqual(concertIds.map(() => "OK"));
  expect(await openTransactions()).toBe(0);
  await database.checkInvariants();
});
