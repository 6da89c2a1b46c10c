/** Tickets of holds that are due, on PostgreSQL. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type ConcertId, concertIdOf } from "../src/domain/ids.ts";
import { findConcertsWithDueHolds } from "../src/store/holds.ts";
import { verdict } from "./support/booking/engine-stage.ts";
import { bookingBy, holdBy, makeDue, openEngine, type StoreEngine } from "./support/booking/store-engines.ts";
import { createTestDatabase, type TestDatabase } from "./support/database/database.ts";
import { openDeadline } from "./support/database/store.ts";
import { insertConcerts } from "./support/service/stage.ts";

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

async function insertConcert(columns: Parameters<typeof insertConcerts>[1] = {}): Promise<ConcertId> {
  const [id = concertIdOf(0n)] = await insertConcerts(database, columns);
  return id;
}

const granted = async (answer: ReturnType<StoreEngine["submit"]>) => (await answer).value;

async function ticketsOf(concertId: ConcertId) {
  const [row] = await database.query<{ available: number; held: number }>(
    "SELECT available_tickets AS available, held_tickets AS held FROM concerts WHERE id = $1",
    [concertId],
  );
  return row;
}

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
    const concertId = await insertConcert({ total_tickets: count, available_tickets: 0, held_tickets: count });
    await insertDueHolds(concertId, count);
    const rush = Array.from({ length: 1_000 }, (_, index) => {
      const { submit } = index % 2 === 0 ? one : other;
      return verdict(submit(bookingBy(`fan ${index}`, { concertId, ticketCount: 10 })));
    });
    expect(new Set(await Promise.all(rush))).toEqual(new Set(["OK"]));
    expect(await ticketsOf(concertId)).toEqual({ available: 0, held: 0 });
    expect(await verdict(one.submit(bookingBy("late", { concertId, ticketCount: 1 })))).toBe("INSUFFICIENT_TICKETS");
  });

  test("are found with their concerts, and put back without another call", async () => {
    const concertId = await insertConcert({ total_tickets: 1_200, available_tickets: 0, held_tickets: 1_200 });
    await insertDueHolds(concertId, 1_200);
    const due = () => one.store.read((db) => findConcertsWithDueHolds(db, []), openDeadline());
    expect(await due()).toEqual([concertId]);
    await Promise.all([one, other].map(({ engine }) => engine.expireHolds(concertId, openDeadline())));
    expect(await ticketsOf(concertId)).toEqual({ available: 1_200, held: 0 });
    expect(await due()).toEqual([]);
  });

  test("are sold although another process has just seen the concert sold out", async () => {
    const concertId = await insertConcert({ total_tickets: 2 });
    const hold = await granted(one.submit(holdBy("ann", { concertId, ttlMs: 1_000 })));
    expect(await verdict(other.submit(bookingBy("ben", { concertId })))).toBe("INSUFFICIENT_TICKETS");
    expect(await ticketsOf(concertId)).toEqual({ available: 0, held: 2 });
    await makeDue(database, hold);
    one.engine.concertChanged(concertId);
    expect(await verdict(one.submit(bookingBy("cleo", { concertId })))).toBe("OK");
  });
});
