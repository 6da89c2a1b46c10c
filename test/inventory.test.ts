/** The comparison of concerts with their bookings: what it finds, and what it must not find. */
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { startInventoryCheck } from "../src/booking/inventory.ts";
import type { ConcertId } from "../src/domain/ids.ts";
import type { Store } from "../src/store/store.ts";
import { type AppEvents, createEventHub, type EventHub } from "../src/telemetry/events.ts";
import { createMetrics } from "../src/telemetry/metrics/registry.ts";
import { createTestDatabase, type TestDatabase } from "./support/database/database.ts";
import { openStore } from "./support/database/store.ts";
import { readMetrics } from "./support/service/metrics.ts";
import { startTestService } from "./support/service/service.ts";
import { createStage, insertConcerts } from "./support/service/stage.ts";

let database: TestDatabase;
let store: Store;

beforeAll(async () => {
  database = await createTestDatabase();
  store = openStore(database.url);
});
afterEach(() => database.clear());
afterAll(async () => {
  await store.close();
  await database.drop();
});

/** A check that runs every few milliseconds, and the metrics that follow it. */
function watchInventory() {
  const hub: EventHub<AppEvents> = createEventHub((error) => expect.unreachable(String(error)));
  const metrics = createMetrics(hub, { databasePoolSize: 1, maxQueuedRequests: 1, maxConnections: 1 });
  const passes: NonNullable<AppEvents["booking.inventory_checked"]["pass"]>[] = [];
  const alarms: ConcertId[] = [];
  const errors: unknown[] = [];
  hub.subscribe("booking.inventory_checked", ({ pass }) => pass && passes.push(pass));
  hub.subscribe("booking.inventory_mismatched", ({ concertId }) => void alarms.push(concertId));
  hub.subscribe("booking.inventory_check_failed", ({ error }) => void errors.push(error));
  const check = startInventoryCheck(store, hub.publish, 5);
  const value = async (name: string) => readMetrics(await metrics.registry.metrics()).value(`frontrow_${name}`);
  return {
    value,
    alarms,
    errors,
    /** Resolves when a pass has begun and ended since the call. */
    async fullPass(): Promise<void> {
      const target = passes.length + 2;
      await vi.waitFor(() => expect(passes.length).toBeGreaterThanOrEqual(target), { timeout: 20_000, interval: 5 });
    },
    [Symbol.asyncDispose]: () => check[Symbol.asyncDispose](),
  };
}

async function insertBooking(concertId: ConcertId, ticketCount: number, status = "confirmed", expires = "null") {
  await database.query(
    `INSERT INTO bookings (concert_id, user_id, ticket_count, unit_price, total_price, currency_code, request_id,
       booking_time, status, hold_expires_time)
     VALUES ($1, 'nora', $2::integer, 10.5, 10.5 * $2::integer, 'EUR', gen_random_uuid(), now(), $3, ${expires})`,
    [concertId, ticketCount, status],
  );
}

/** A concert with 3 confirmed tickets and 2 held ones, and bookings that have ended. */
async function insertSold(): Promise<ConcertId> {
  const [id] = await insertConcerts(database, { total_tickets: 100, available_tickets: 95, held_tickets: 2 });
  if (id === undefined) throw new Error("no concert was inserted");
  await insertBooking(id, 3);
  await insertBooking(id, 2, "held", "now() + interval '1 hour'");
  await insertBooking(id, 7, "expired", "now()");
  await insertBooking(id, 5, "released", "now()");
  return id;
}

const faults: Readonly<Record<string, readonly [breaks: string, mends: string]>> = {
  "a ticket that is not booked is missing from sale": ["available_tickets = 94", "available_tickets = 95"],
  "a ticket that is booked is on sale again": ["available_tickets = 96", "available_tickets = 95"],
  "more tickets count as held than holds have": [
    "held_tickets = 3, available_tickets = 94",
    "held_tickets = 2, available_tickets = 95",
  ],
  "the total was changed by hand": ["total_tickets = 101", "total_tickets = 100"],
};

test.each(Object.entries(faults))(
  "the mismatch is 1 when %s, and 0 when the row is mended",
  async (_, [breaks, mends]) => {
    const id = await insertSold();
    await insertSold();
    await using inventory = watchInventory();
    await inventory.fullPass();
    expect(await inventory.value("inventory_mismatch")).toBe(0);
    await database.query(`UPDATE concerts SET ${breaks} WHERE id = $1`, [id]);
    await inventory.fullPass();
    expect(await inventory.value("inventory_mismatch")).toBe(1);
    await inventory.fullPass();
    expect(inventory.alarms).toEqual([id]);
    await database.query(`UPDATE concerts SET ${mends} WHERE id = $1`, [id]);
    await inventory.fullPass();
    expect(await inventory.value("inventory_mismatch")).toBe(0);
    expect(inventory.errors).toEqual([]);
  },
);

test("the mismatch is 1 when a booking was deleted by hand, and 0 when its concert is deleted", async () => {
  const id = await insertSold();
  await database.query("DELETE FROM bookings WHERE concert_id = $1 AND status = 'confirmed'", [id]);
  await using inventory = watchInventory();
  await inventory.fullPass();
  expect(await inventory.value("inventory_mismatch")).toBe(1);
  await database.clear();
  await inventory.fullPass();
  expect(await inventory.value("inventory_mismatch")).toBe(0);
});

test("the check covers every concert of a long catalogue", async () => {
  const ids = await insertConcerts(database, {}, 601);
  const broken = [ids[0], ids[199], ids[200], ids[400], ids[600]];
  await database.query("UPDATE concerts SET available_tickets = 1 WHERE id = ANY($1)", [broken]);
  await using inventory = watchInventory();
  await inventory.fullPass();
  expect(await inventory.value("inventory_mismatch")).toBe(5);
  expect(inventory.alarms).toEqual(broken);
});

test("the check leaves out concerts that have sold too many tickets to count, and says how many", async () => {
  await insertConcerts(database, { total_tickets: 200_001, available_tickets: 0 }, 2);
  const [, broken] = await insertConcerts(database, { total_tickets: 200_000, available_tickets: 0 }, 2);
  await using inventory = watchInventory();
  await inventory.fullPass();
  expect(await inventory.value("inventory_skipped_concerts")).toBe(2);
  expect(await inventory.value("inventory_mismatch")).toBe(2);
  expect(inventory.alarms.at(-1)).toBe(broken);
});

test("the metrics have the held tickets, the holds that are due, and the time of the last pass", async () => {
  const startedAt = Math.floor(Date.now() / 1_000);
  const id = await insertSold();
  await insertBooking(id, 1, "held", "now() - interval '1 minute'");
  await insertSold();
  await using inventory = watchInventory();
  await inventory.fullPass();
  expect(await inventory.value("live_holds")).toBe(4);
  expect(await inventory.value("overdue_holds")).toBe(1);
  expect(await inventory.value("inventory_last_pass_timestamp_seconds")).toBeGreaterThanOrEqual(startedAt);
});

test("the check finds nothing while bookings, holds and cancels run", async () => {
  await using service = await startTestService({}, database);
  const stage = createStage(service.baseUrl);
  const concert = await stage.concert({ totalTickets: 1_000_000 });
  await using inventory = watchInventory();
  const user = async (name: string) => {
    for (let round = 0; round < 20; round++) {
      const booking = await stage.booking(concert, { userId: name });
      await stage.hold(concert, { userId: `${name}-${round}` });
      await stage.cancel(booking);
    }
  };
  await Promise.all(Array.from({ length: 10 }, (_, index) => user(`user-${index}`)));
  await inventory.fullPass();
  expect(inventory.alarms).toEqual([]);
  expect(inventory.errors).toEqual([]);
});

test("the check goes on after a failure", async () => {
  const id = await insertSold();
  await database.query("ALTER TABLE concerts RENAME TO hidden");
  await using inventory = watchInventory();
  await vi.waitFor(() => expect(inventory.errors.length).toBeGreaterThan(1), { timeout: 20_000, interval: 5 });
  await database.query("ALTER TABLE hidden RENAME TO concerts");
  await database.query("UPDATE concerts SET available_tickets = 0 WHERE id = $1", [id]);
  await inventory.fullPass();
  expect(await inventory.value("inventory_mismatch")).toBe(1);
});
