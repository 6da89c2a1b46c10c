/** The comparison of concerts with their bookings: what it finds, and what it must not find. */
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { type InventoryPace, startInventoryCheck } from "../src/booking/inventory.ts";
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
function watchInventory(bounds: Partial<InventoryPace> = {}, checked: Pick<Store, "search"> = store) {
  const hub: EventHub<AppEvents> = createEventHub((error) => expect.unreachable(String(error)));
  const metrics = createMetrics(hub, { databasePoolSize: 1, maxQueuedRequests: 1, maxConnections: 1 });
  const passes: NonNullable<AppEvents["booking.inventory_checked"]["pass"]>[] = [];
  const alarms: ConcertId[] = [];
  const failures: Partial<AppEvents["booking.inventory_check_failed"]>[] = [];
  const holdCounts: AppEvents["booking.holds_counted"][] = [];
  hub.subscribe("booking.inventory_checked", ({ pass }) => pass && passes.push(pass));
  hub.subscribe("booking.inventory_mismatched", ({ concertId }) => void alarms.push(concertId));
  hub.subscribe("booking.inventory_check_failed", (failure) => void failures.push(failure));
  hub.subscribe("booking.hold_count_failed", (failure) => void failures.push(failure));
  hub.subscribe("booking.holds_counted", (counts) => void holdCounts.push(counts));
  metrics.watchInventory();
  const check = startInventoryCheck(checked, hub.publish, {
    ...{ intervalMs: 5, maxConcerts: 200, maxBookings: 1_000 },
    ...bounds,
  });
  const value = async (name: string) => readMetrics(await metrics.registry.metrics()).value(`frontrow_${name}`);
  return {
    value,
    passes,
    alarms,
    failures,
    /** Resolves when a pass has begun and ended since the call. */
    fullPass: () => twoMore(passes),
    /** Resolves when the holds have been counted since the call. */
    holdsCounted: () => twoMore(holdCounts),
    [Symbol.asyncDispose]: () => check[Symbol.asyncDispose](),
  };
}

/** Two, since one may be under way. */
async function twoMore(events: readonly unknown[]): Promise<void> {
  const target = events.length + 2;
  await vi.waitFor(() => expect(events.length).toBeGreaterThanOrEqual(target), { timeout: 20_000, interval: 5 });
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
    expect(inventory.failures).toEqual([]);
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
  expect(inventory.alarms).toEqual(broken.reverse());
});

test("at most 10,000 mismatched concerts are counted, and published once", async () => {
  await insertConcerts(database, { available_tickets: 1 }, 10_001);
  await using inventory = watchInventory({ maxConcerts: 4_000, maxBookings: 5_000 });
  await inventory.fullPass();
  expect(await inventory.value("inventory_mismatch")).toBe(10_000);
  expect(inventory.alarms).toHaveLength(10_000);
});

test("the check skips concerts that have too many bookings, and compares the others, however wrong their counters are", async () => {
  const insert = async (bookings: number, available: number) => {
    const [id] = await insertConcerts(database, { total_tickets: 100, available_tickets: available });
    if (id === undefined) throw new Error("no concert was inserted");
    for (let booking = 0; booking < bookings; booking++) await insertBooking(id, 1);
    return id;
  };
  const unsold = await insert(0, 0);
  await insert(11, 0);
  const oversold = await insert(10, 100);
  await insert(4, 96);
  await insert(12, 88);
  const sold = await insert(4, 100);
  await insert(9, 91);
  await using inventory = watchInventory({ maxBookings: 10, maxConcerts: 3 });
  await inventory.fullPass();
  expect(await inventory.value("inventory_skipped_concerts")).toBe(2);
  expect(await inventory.value("inventory_mismatch")).toBe(3);
  expect(inventory.alarms).toEqual([sold, oversold, unsold]);
  expect(inventory.failures).toEqual([]);
});

test("the metrics have the holds that are live and that are due, and the time of the last pass", async () => {
  const startedAt = Math.floor(Date.now() / 1_000);
  const id = await insertSold();
  await insertBooking(id, 1, "held", "now() - interval '1 minute'");
  await insertSold();
  await using inventory = watchInventory();
  await inventory.holdsCounted();
  expect(await inventory.value("live_holds")).toBe(2);
  expect(await inventory.value("overdue_holds")).toBe(1);
  await inventory.fullPass();
  expect(await inventory.value("inventory_last_pass_timestamp_seconds")).toBeGreaterThanOrEqual(startedAt);
});

test("the check finds nothing while bookings, holds and cancels run", async () => {
  await using service = await startTestService({}, database);
  const stage = createStage(service.baseUrl);
  const concert = await stage.concert({ totalTickets: 1_000_000 });
  await using inventory = watchInventory({ maxBookings: 100_000 });
  const user = async (name: string) => {
    for (let round = 0; round < 10 || inventory.passes.length < 5; round++) {
      const booking = await stage.booking(concert, { userId: name });
      await stage.hold(concert, { userId: `${name}-${round}` });
      await stage.cancel(booking);
    }
  };
  await Promise.all(Array.from({ length: 10 }, (_, index) => user(`user-${index}`)));
  expect(inventory.passes).not.toContainEqual({ skipped: 1 });
  await inventory.fullPass();
  expect(inventory.alarms).toEqual([]);
  expect(inventory.failures).toEqual([]);
});

test("the log names a concert whose counters contradict its bookings", async () => {
  const id = await insertSold();
  await database.query("UPDATE concerts SET available_tickets = 94 WHERE id = $1", [id]);
  await using service = await startTestService({ APP_METRICS_PORT: "0" }, database, "error");
  const message = "the counters of a concert contradict its bookings: compare them in the database";
  await vi.waitFor(() => expect(service.lines.join("")).toContain(message), { timeout: 20_000, interval: 5 });
  expect(service.lines.map((line) => JSON.parse(line))).toMatchObject([
    { level: "error", concertId: Number(id), msg: message },
  ]);
});

test("the check goes on after a failure", async () => {
  const id = await insertSold();
  await database.query("ALTER TABLE concerts RENAME TO hidden");
  await using inventory = watchInventory();
  await vi.waitFor(() => expect(inventory.failures.length).toBeGreaterThan(1), { timeout: 20_000, interval: 5 });
  await database.query("ALTER TABLE hidden RENAME TO concerts");
  await database.query("UPDATE concerts SET available_tickets = 0 WHERE id = $1", [id]);
  await inventory.fullPass();
  expect(await inventory.value("inventory_mismatch")).toBe(1);
  expect(await inventory.value("inventory_skipped_concerts")).toBe(0);
});

test("while no bookings can be read, no pass counts and no mismatch is denied", async () => {
  await insertSold();
  await insertSold();
  await database.query("ALTER TABLE bookings RENAME TO hidden");
  {
    await using inventory = watchInventory();
    const begun = await inventory.value("inventory_last_pass_timestamp_seconds");
    await inventory.fullPass();
    expect(await inventory.value("inventory_skipped_concerts")).toBe(2);
    expect(await inventory.value("inventory_mismatch")).toBeUndefined();
    expect(await inventory.value("inventory_last_pass_timestamp_seconds")).toBe(begun);
  }
  await database.query("ALTER TABLE hidden RENAME TO bookings");
});

test("the check skips a concert that cannot be read, and compares the others", async () => {
  await using own = await createTestDatabase();
  const ownStore = openStore(own.url);
  const ids = await insertConcerts(own, {}, 9);
  await own.query("UPDATE concerts SET available_tickets = 1 WHERE id = $1 OR id = $2", [ids[0], ids[8]]);
  const isUnreadable = async (id: ConcertId | undefined) => {
    await own.query(`CREATE OR REPLACE FUNCTION read_count(concert_id bigint, ticket_count integer) RETURNS integer
      STABLE LANGUAGE plpgsql AS $$ BEGIN
        IF concert_id = ${id ?? 0} THEN RAISE EXCEPTION USING ERRCODE = 'query_canceled'; END IF;
        RETURN ticket_count;
      END $$`);
  };
  await isUnreadable(ids[4]);
  await own.query(`ALTER TABLE bookings RENAME TO stored_bookings;
    CREATE VIEW bookings AS SELECT concert_id, status, hold_expires_time, read_count(concert_id, ticket_count)
      AS ticket_count FROM stored_bookings`);
  await own.query(
    `INSERT INTO stored_bookings (concert_id, user_id, ticket_count, unit_price, total_price, currency_code,
      request_id, booking_time, status, hold_expires_time)
    VALUES ($1, 'nora', 1, 10.5, 10.5, 'EUR', gen_random_uuid(), now(), 'held', now() + interval '1 hour')`,
    [ids[4]],
  );
  {
    await using inventory = watchInventory({}, ownStore);
    await inventory.fullPass();
    expect(await inventory.value("inventory_skipped_concerts")).toBe(1);
    expect(await inventory.value("inventory_mismatch")).toBe(2);
    await inventory.holdsCounted();
    expect(await inventory.value("live_holds")).toBe(1);
    expect(inventory.alarms).toEqual([ids[8], ids[0]]);
    const skipped = inventory.failures.flatMap(({ concertId }) => concertId ?? []);
    expect(new Set(skipped)).toEqual(new Set([ids[4]]));
    await isUnreadable(undefined);
    await inventory.fullPass();
    expect(await inventory.value("inventory_skipped_concerts")).toBe(0);
    expect(await inventory.value("inventory_mismatch")).toBe(3);
  }
  await ownStore.close();
});
