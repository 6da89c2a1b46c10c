/** The booking engine on PostgreSQL: a batch is one transaction. */
import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { BookCommand } from "../src/booking/commands.ts";
import { type BookingEngine, createBookingEngine } from "../src/booking/engine.ts";
import type { Booking } from "../src/domain/booking.ts";
import { type ConcertId, concertIdOf } from "../src/domain/ids.ts";
import type { Store } from "../src/store/store.ts";
import { verdict } from "./support/booking/engine-stage.ts";
import { bookingRequest, examplePolicy } from "./support/booking/example-bookings.ts";
import { createTestDatabase, type TestDatabase } from "./support/database/database.ts";
import { openDeadline, openStore } from "./support/database/store.ts";
import { insertConcerts } from "./support/service/stage.ts";

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterEach(() => database.checkInvariants());
afterAll(() => database?.drop());

const times = <Item>(count: number, make: (index: number) => Item): Item[] =>
  Array.from({ length: count }, (_, index) => make(index));

async function insertConcert(totalTickets = 1_000): Promise<ConcertId> {
  const [id = concertIdOf(0n)] = await insertConcerts(database, { total_tickets: totalTickets });
  return id;
}

function order(concertId: ConcertId, changes: Partial<BookCommand> = {}): BookCommand {
  const actor = { subject: changes.userId ?? "ann", address: undefined };
  return bookingRequest({ ticketCount: 1, requestId: randomUUID(), actor, ...changes, concertId });
}

/** How many rows each transaction has written last, the first transaction first. */
async function rowsByTransaction(concertId: bigint): Promise<number[]> {
  const rows = await database.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM bookings WHERE concert_id = $1 GROUP BY xmin ORDER BY min(id)`,
    [concertId],
  );
  return rows.map(({ count }) => count);
}

async function stored(concertId: bigint): Promise<{ available: number; confirmed: number; cancelled: number }> {
  const [row] = await database.query<{ available: number; confirmed: number; cancelled: number }>(
    `SELECT available_tickets AS available, count(*) FILTER (WHERE status = 'confirmed')::int AS confirmed,
       count(*) FILTER (WHERE status = 'cancelled')::int AS cancelled
     FROM concerts LEFT JOIN bookings ON concert_id = concerts.id WHERE concerts.id = $1 GROUP BY concerts.id`,
    [concertId],
  );
  if (!row) throw new Error("there is no such concert");
  return row;
}

const settings = [{ preparedStatements: true }, { preparedStatements: false }];

describe.each(settings)("prepared statements: $preparedStatements", (setting) => {
  let store: Store;
  let engine: BookingEngine;

  beforeAll(() => {
    store = openStore(database.url, { poolSize: 4, ...setting });
    engine = createBookingEngine(store.batches, {
      ...{ policy: examplePolicy, maxQueuedRequests: 10_000, maxConcurrentBatches: 2, maxRetries: 3 },
      concertChanged: () => {},
    });
  });
  // What a test does next begins with an idle engine.
  afterEach(() => engine.idle());
  afterAll(() => store?.close());

  const submit = (request: Parameters<BookingEngine["submit"]>[0]) => engine.submit(request, openDeadline());
  const submitAll = (requests: readonly BookCommand[]) => Promise.all(requests.map(submit));
  const cancel = ({ id, concertId, userId }: Booking, requestId: string = randomUUID()) =>
    submit({
      kind: "cancel",
      concertId,
      bookingId: id,
      userId,
      requestId,
      actor: { subject: userId, address: undefined },
    });

  test("books 600 requests sent at once in three batches, each one transaction", async () => {
    const concertId = await insertConcert();
    const bookings = await submitAll(times(600, (index) => order(concertId, { userId: `user ${index}` })));
    expect(await rowsByTransaction(concertId)).toEqual([1, 300, 299]);
    expect(await stored(concertId)).toEqual({ available: 400, confirmed: 600, cancelled: 0 });
    expect(bookings.map(({ value }) => value.userId)).toEqual(times(600, (index) => `user ${index}`));
    expect(new Set(bookings.map(({ value }) => value.id)).size).toBe(600);
  });

  test("returns the bookings as they are stored", async () => {
    const concertId = await insertConcert();
    const requests = times(5, (index) => order(concertId, { userId: `user ${index}`, ticketCount: index + 1 }));
    const answers = await submitAll(requests);
    const keys = requests.map(({ userId, requestId }) => ({ userId, requestId }));
    const found = await store.batches.find(concertId, keys);
    const byId = (one: Booking, other: Booking) => Number(one.id - other.id);
    expect(answers.map(({ value }) => value).sort(byId)).toEqual(found.sort(byId));
    expect(found).toMatchObject(
      times(5, (index) => ({ ticketCount: index + 1, totalPriceCents: 1_050 * (index + 1) })),
    );
  });

  test("two requests with one key at once make one booking, and a third with another ticket count is rejected", async () => {
    const concertId = await insertConcert();
    const request = order(concertId, { ticketCount: 2 });
    const first = submit(order(concertId));
    const answers = [request, request, { ...request, ticketCount: 3 }, { ...request, userId: "ben" }].map(submit);
    expect(await Promise.all(answers.map(verdict))).toEqual(["OK", "REPLAYED", "REQUEST_ID_REUSED", "OK"]);
    await first;
    const again = await submit(request);
    expect(again).toEqual({ ...(await answers[0]), replayed: true });
    expect(await stored(concertId)).toEqual({ available: 995, confirmed: 3, cancelled: 0 });
  });

  test("bookings and cancels of one batch are one transaction", async () => {
    const concertId = await insertConcert(10);
    const [one, two] = await submitAll([order(concertId, { ticketCount: 4 }), order(concertId, { ticketCount: 5 })]);
    if (!one || !two) throw new Error("not booked");
    await engine.idle();
    const key = randomUUID();
    const first = submit(order(concertId));
    const answers = [
      submit(order(concertId, { ticketCount: 4 })),
      cancel(one.value, key),
      submit(order(concertId, { ticketCount: 4 })),
      cancel(one.value, key),
      cancel(one.value),
      cancel(two.value),
    ];
    const verdicts = ["INSUFFICIENT_TICKETS", "OK", "OK", "REPLAYED", "ALREADY_CANCELLED", "OK"];
    expect(await Promise.all(answers.map(verdict))).toEqual(verdicts);
    await first;
    expect(await stored(concertId)).toEqual({ available: 5, confirmed: 2, cancelled: 2 });
    const rows = await database.query("SELECT DISTINCT xmin FROM bookings WHERE concert_id = $1", [concertId]);
    // The one before the batch, and the batch with its insert and its two updates.
    expect(rows).toHaveLength(2);
    const cancelled = await answers[1];
    expect(await store.batches.find(concertId, [one.value])).toEqual([cancelled?.value]);
  });

  test("writes the concert's row once a batch, and not for a batch that rejects every request", async () => {
    const concertId = await insertConcert(3);
    const version = async () => {
      const [row] = await database.query<{ xmin: string }>("SELECT xmin FROM concerts WHERE id = $1", [concertId]);
      return row?.xmin;
    };
    await submitAll(times(3, () => order(concertId)));
    const before = await version();
    const refused = times(20, () => submit(order(concertId, { ticketCount: 2 })));
    expect(new Set(await Promise.all(refused.map(verdict)))).toEqual(new Set(["INSUFFICIENT_TICKETS"]));
    expect(await version()).toBe(before);
  });

  test.each([
    { what: "a user with U+0000", poison: { userId: "nul\0" } },
    { what: "a user without a key and with U+0000", poison: { userId: "nul\0", hasOwnKey: false } },
    { what: "a user with too long a name", poison: { userId: "u".repeat(256) } },
    { what: "a key that is no UUID", poison: { requestId: "key" } },
    { what: "no tickets", poison: { ticketCount: 0 } },
  ])("a request with $what fails alone in its batch", async ({ poison }) => {
    const concertId = await insertConcert();
    const first = submit(order(concertId));
    const answers = times(16, (index) => submit(order(concertId, index === 5 ? poison : {})));
    const verdicts = await Promise.all(answers.map(verdict));
    expect(verdicts.filter((each) => each === "OK")).toHaveLength(15);
    expect(verdicts[5]).not.toBe("OK");
    await first;
    expect(await stored(concertId)).toEqual({ available: 984, confirmed: 16, cancelled: 0 });
  });
});
