/** The bench fails for a run that oversold, lost or doubled a booking. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { verifyBookings, verifyOutcomes } from "../bench/verify.ts";
import { createTestDatabase, type TestDatabase } from "./support/database/database.ts";
import { insertConcerts } from "./support/service/stage.ts";

let database: TestDatabase;
let concertId: bigint;
let bookingIds: number[];

beforeAll(async () => {
  database = await createTestDatabase();
});
beforeEach(async () => {
  [concertId = 0n] = await insertConcerts(database, { total_tickets: 10, available_tickets: 7 });
  const bookings = await database.query<{ id: string }>(
    `INSERT INTO bookings (concert_id, user_id, ticket_count, unit_price, total_price, currency_code, booking_time, request_id)
     SELECT $1, 'nora', 1, 50, 50, 'USD', now(), gen_random_uuid() FROM generate_series(1, 3) RETURNING id`,
    [concertId],
  );
  bookingIds = bookings.map(({ id }) => Number(id));
});
afterEach(() => database.clear());
afterAll(() => database.drop());

const verify = (ids: readonly number[], all: Record<string, number> = { OK: ids.length }) =>
  verifyBookings(database, [concertId], {
    all,
    bookingIds: Float64Array.from(ids),
  });

test("a run whose responses equal what is stored passes", async () => {
  await verify(bookingIds);
});

test("a booking that was confirmed and is not stored fails the run", async () => {
  await expect(verify([...bookingIds, 4_711_000])).rejects.toThrow("1 confirmed bookings are not stored");
});

test("a booking that is stored and was not confirmed fails the run, unless its call timed out", async () => {
  const told = bookingIds.slice(1);
  await expect(verify(told)).rejects.toThrow("1 bookings are stored that no response has confirmed");
  await verify(told, { OK: 2, DEADLINE_EXCEEDED: 1 });
});

test("an id in two responses fails the run", async () => {
  const [first = 0] = bookingIds;
  await expect(verify([...bookingIds, first])).rejects.toThrow("4 bookings were confirmed, with 3 different ids");
});

test("a response without an id is not mistaken for a repeated id", async () => {
  const told = bookingIds.slice(1);
  await expect(verify(told, { OK: 3 })).rejects.toThrow("3 bookings were confirmed, but 2 ids could be read");
});

test("tickets that do not add up fail the run", async () => {
  await database.query("UPDATE concerts SET available_tickets = 8");
  await expect(verify(bookingIds)).rejects.toThrow("tickets do not add up");
});

describe("with two held tickets", () => {
  let holdId: number;
  beforeEach(async () => {
    const [hold] = await database.query<{ id: string }>(
      `INSERT INTO bookings (concert_id, user_id, ticket_count, requested_count, unit_price, total_price, currency_code,
         booking_time, request_id, status, hold_expires_time)
       VALUES ($1, 'otto', 2, 2, 50, 100, 'USD', now(), gen_random_uuid(), 'held', now() + interval '1 hour') RETURNING id`,
      [concertId],
    );
    holdId = Number(hold?.id);
    await database.query("UPDATE concerts SET available_tickets = 5, held_tickets = 2");
  });

  test("bookings and holds are compared with their own responses", async () => {
    const holds = { all: { OK: 1 }, bookingIds: Float64Array.of(holdId) };
    await verify(bookingIds);
    await verifyBookings(database, [concertId], holds, "held");
    await expect(verifyBookings(database, [concertId], holds)).rejects.toThrow("1 confirmed bookings are not stored");
  });

  test("a counter that is not the sum of the holds fails the run", async () => {
    await database.query("UPDATE concerts SET available_tickets = 6, held_tickets = 1");
    await expect(verify(bookingIds)).rejects.toThrow("tickets do not add up");
  });
});

test("an unexpected response fails the run", () => {
  expect(() => verifyOutcomes({ all: { OK: 1, INTERNAL: 1 } }, ["OK"])).toThrow(
    'unexpected answers: {"OK":1,"INTERNAL":1}',
  );
});
