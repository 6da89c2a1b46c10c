/** Tickets of holds that are due, on PostgreSQL. */
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import type { ConcertId } from "../src/domain/ids.ts";
import { findConcertsWithDueHolds } from "../src/store/holds.ts";
import { verdict } from "./support/booking/engine-stage.ts";
import {
  bookingBy,
  granted,
  holdBy,
  insertConcert,
  openEngine,
  type StoreEngine,
} from "./support/booking/store-engines.ts";
import { createTestDatabase, type TestDatabase } from "./support/database/database.ts";
import { makeDue, ticketsOf } from "./support/database/holds.ts";
import { openDeadline } from "./support/database/store.ts";

let database: TestDatabase;
/** Two processes. */
let one: StoreEngine;
let other: StoreEngine;

beforeAll(async () => {
  database = await createTestDatabase();
  [one, other] = [openEngine(database), openEngine(database)];
});
afterEach(() => database.checkInvariants());
afterAll(async () => {
  await one?.[Symbol.asyncDispose]();
  await other?.[Symbol.asyncDispose]();
  await database?.drop();
});

describe("tickets of holds that are due", () => {
  /** Stores holds of one ticket each by SQL, all of them due. */
  async function insertDueHolds(concertId: ConcertId, count: number): Promise<void> {
    await database.query(
      `INSERT INTO bookings (concert_id, user_id, ticket_count, requested_count, unit_price, total_price, currency_code,
         booking_time, request_id, booked_by, status, hold_expires_time)
       SELECT id, 'user ' || number, 1, 1, price, price, currency_code, now(), gen_random_uuid(), 'user ' || number,
         'held', now() - number * interval '1 microsecond'
       FROM concerts, generate_series(1, $2) AS number WHERE id = $1`,
      [concertId, count],
    );
  }

  test("10,000 at once are all sold to a rush, and no request is refused for a lack of tickets before", {
    timeout: 60_000,
  }, async () => {
    const count = 10_000;
    const concertId = await insertConcert(database, {
      total_tickets: count,
      available_tickets: 0,
      held_tickets: count,
    });
    await insertDueHolds(concertId, count);
    const rush = Array.from({ length: 1_000 }, (_, index) => {
      const { submit } = index % 2 === 0 ? one : other;
      return verdict(submit(bookingBy(`fan ${index}`, { concertId, ticketCount: 10 })));
    });
    expect(new Set(await Promise.all(rush))).toEqual(new Set(["OK"]));
    expect(await ticketsOf(database, { id: concertId })).toEqual({ available: 0, held: 0 });
    expect(await verdict(one.submit(bookingBy("late", { concertId, ticketCount: 1 })))).toBe("INSUFFICIENT_TICKETS");
  });

  test("are found with their concerts, and put back without another call", async () => {
    const concertId = await insertConcert(database, {
      total_tickets: 1_200,
      available_tickets: 0,
      held_tickets: 1_200,
    });
    await insertDueHolds(concertId, 1_200);
    const due = () => one.store.read((db) => findConcertsWithDueHolds(db, []), openDeadline());
    expect(await due()).toEqual([concertId]);
    await Promise.all([one, other].map(({ engine }) => engine.expireHolds(concertId, openDeadline())));
    expect(await ticketsOf(database, { id: concertId })).toEqual({ available: 1_200, held: 0 });
    expect(await due()).toEqual([]);
  });

  test("are sold by a process that has seen the concert sold out less than a second before", async () => {
    const clock = { nowMs: 0 };
    await using seer = openEngine(database, 2, { nowMs: () => clock.nowMs });
    const ttlMs = 900;
    // Again on a new concert if the hold has ended before the other process has seen it.
    const hold = await vi.waitFor(async () => {
      const concertId = await insertConcert(database, { total_tickets: 2 });
      const hold = await granted(one.submit(holdBy("ann", { concertId, ttlMs })));
      expect(await verdict(seer.submit(bookingBy("ben", { concertId })))).toBe("INSUFFICIENT_TICKETS");
      return hold;
    }, 20_000);
    await makeDue(database, hold);
    clock.nowMs = ttlMs;
    expect(await verdict(seer.submit(bookingBy("cleo", { concertId: hold.concertId })))).toBe("OK");
  });
});
