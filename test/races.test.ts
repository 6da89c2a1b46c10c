/** Calls that meet at one concert, arranged by holding its row lock until all of them wait for it. */
import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { BookingService } from "../gen/frontrow/v1/booking_service_pb.ts";
import type { Concert } from "../gen/frontrow/v1/concert_pb.ts";
import { ConcertService } from "../gen/frontrow/v1/concert_service_pb.ts";
import { createTestDatabase, type TestDatabase } from "./support/database/database.ts";
import { holdConcert, meetAtConcert, patientSettings, queueUp } from "./support/database/locks.ts";
import { succeeded, tally, verdict } from "./support/protocols/outcomes.ts";
import {
  type CallOptions,
  createProtocolClient,
  type Outcome,
  type Protocol,
  type ProtocolClient,
} from "./support/protocols/protocols.ts";
import { noCache, startTestService, startTestServices, type TestService } from "./support/service/service.ts";
import { createConcert, type Description, describeConcert } from "./support/service/stage.ts";

const { bookTickets, cancelBooking } = BookingService.method;
const { getConcert, updateConcert } = ConcertService.method;
const protocols: readonly Protocol[] = ["REST", "gRPC", "Connect JSON", "gRPC-Web", "Connect binary"];
const crowd = 8;

let database: TestDatabase;
/** Prepares the concerts and reads them afterwards, so that the services under test have nothing cached. */
let bystander: TestService;
let services: TestService[];
let onlooker: ProtocolClient;
let clients: ProtocolClient[];

/** The clients in turn, so that different protocols meet, and different services where there are several. */
function client(turn = 0): ProtocolClient {
  const chosen = clients[turn % clients.length];
  if (!chosen) throw new Error("there is no client");
  return chosen;
}

const times = <Item>(count: number, make: (index: number) => Item): Item[] =>
  Array.from({ length: count }, (_, index) => make(index));

function book(concertId: bigint, ticketCount: number, userId = "ann", by = client()) {
  return by.call(bookTickets, { concertId, userId, ticketCount });
}

function cancel(id: bigint, userId = "ann", requestId = "", by = client()) {
  return by.call(cancelBooking, { id, userId, requestId });
}

function update({ id, version }: Pick<Concert, "id" | "version">, changes: Partial<Description>, by = client()) {
  return by.call(updateConcert, { id, version, ...describeConcert(changes) });
}

/** A concert with so many tickets, and a booking of some. */
async function bookedConcert(totalTickets: number, ticketCount: number) {
  const concert = await createConcert(onlooker, { totalTickets });
  const booking = succeeded(await book(concert.id, ticketCount, "ann", onlooker));
  return { concert, booking };
}

/** A concert sold out by others, so that Ann's tickets would show if they were restored more than once. */
async function crowdedConcert() {
  const booked = await bookedConcert(11, 1);
  succeeded(await book(booked.concert.id, 10, "zoe", onlooker));
  return booked;
}

async function ticketsSeenBy(by: ProtocolClient, id: bigint, options: CallOptions = {}) {
  const { totalTickets, availableTickets } = succeeded(await by.call(getConcert, { id }, options));
  return { total: totalTickets, available: availableTickets };
}

async function ticketsOf(id: bigint) {
  const tickets = await ticketsSeenBy(onlooker, id, noCache);
  // A service that all calls went through has the tickets in its cache.
  if (services.length === 1) expect(await ticketsSeenBy(client(), id)).toEqual(tickets);
  return tickets;
}

/** Sends calls that meet at the concert, in this order. */
function meet(concert: Concert, calls: (() => Promise<Outcome<unknown>>)[]): Promise<Outcome<unknown>[]> {
  return meetAtConcert(database, services, concert.id, calls);
}

/** Sends one call by each client. They meet at the concert. */
function meetFromAllSides(concert: Concert, call: (by: ProtocolClient, turn: number) => Promise<Outcome<unknown>>) {
  return meet(
    concert,
    clients.map((by, turn) => () => call(by, turn)),
  );
}

describe.each([
  { where: "in one process", processCount: 1 },
  { where: "between processes", processCount: crowd },
])("$where", ({ processCount }) => {
  beforeAll(async () => {
    database = await createTestDatabase();
    bystander = await startTestService(patientSettings, database);
    services = await startTestServices(processCount, database, patientSettings);
    onlooker = createProtocolClient("Connect JSON", bystander.baseUrl);
    clients = times(crowd, (turn) =>
      createProtocolClient(protocols[turn % protocols.length] ?? "REST", services[turn % processCount]?.baseUrl ?? ""),
    );
  });
  afterEach(() => database.checkInvariants().finally(() => database.clear()));
  afterAll(async () => {
    for (const each of clients) each.close();
    await Promise.all([bystander, ...services].map((service) => service.close()));
    await database.drop();
  });

  describe("cancelling", () => {
    test("one booking in many calls restores its tickets once", async () => {
      const { concert, booking } = await crowdedConcert();
      const outcomes = await meetFromAllSides(concert, (by) => cancel(booking.id, "ann", "", by));
      expect(tally(outcomes)).toEqual({ OK: 1, ALREADY_CANCELLED: crowd - 1 });
      expect(await ticketsOf(concert.id)).toEqual({ total: 11, available: 1 });
    });

    test("one booking in many calls with one key succeeds for all, and restores its tickets once", async () => {
      const { concert, booking } = await crowdedConcert();
      const requestId = randomUUID();
      const outcomes = await meetFromAllSides(concert, (by) => cancel(booking.id, "ann", requestId, by));
      expect(tally(outcomes)).toEqual({ OK: 1, REPLAYED: crowd - 1 });
      expect(await ticketsOf(concert.id)).toEqual({ total: 11, available: 1 });
    });

    test("several bookings together restores each booking's tickets", async () => {
      const { concert, booking: first } = await bookedConcert(20, 3);
      const second = succeeded(await book(concert.id, 1, "ben", onlooker));
      succeeded(await book(concert.id, 10, "zoe", onlooker));
      const outcomes = await meetFromAllSides(concert, (by, turn) =>
        turn % 2 === 0 ? cancel(first.id, "ann", "", by) : cancel(second.id, "ben", "", by),
      );
      expect(tally(outcomes)).toEqual({ OK: 2, ALREADY_CANCELLED: crowd - 2 });
      expect(await ticketsOf(concert.id)).toEqual({ total: 20, available: 10 });
    });

    test("by another user is rejected while the owner's call succeeds", async () => {
      const { concert, booking } = await bookedConcert(10, 4);
      const held = await holdConcert(database, concert.id);
      const [owners] = await queueUp(held, [() => cancel(booking.id, "ann")]);
      // A booking's owner never changes: another user's call does not wait for the lock.
      expect(verdict(await cancel(booking.id, "mallory"))).toBe("NOT_BOOKING_OWNER");
      await held.release();
      expect(owners && verdict(await owners)).toBe("OK");
    });
  });

  describe("booking against cancelling the last tickets", () => {
    test("gets the tickets if the booking comes second", async () => {
      const { concert, booking } = await bookedConcert(2, 2);
      const outcomes = await meet(concert, [() => cancel(booking.id), () => book(concert.id, 2, "ben", client(1))]);
      expect(outcomes.map(verdict)).toEqual(["OK", "OK"]);
      expect(await ticketsOf(concert.id)).toEqual({ total: 2, available: 0 });
    });

    test("does not get the tickets if the booking comes first", async () => {
      const { concert, booking } = await bookedConcert(2, 2);
      const outcomes = await meet(concert, [() => book(concert.id, 2, "ben", client(1)), () => cancel(booking.id)]);
      expect(outcomes.map(verdict)).toEqual(["INSUFFICIENT_TICKETS", "OK"]);
      expect(await ticketsOf(concert.id)).toEqual({ total: 2, available: 2 });
    });
  });

  test("sells the last ticket to one of many bookings", async () => {
    const concert = await createConcert(onlooker, { totalTickets: 1 });
    const outcomes = await meetFromAllSides(concert, (by, turn) => book(concert.id, 1, `user-${turn}`, by));
    expect(tally(outcomes)).toEqual({ OK: 1, INSUFFICIENT_TICKETS: crowd - 1 });
  });

  test("rejects a request that no longer fits and books a smaller one behind it", async () => {
    const concert = await createConcert(onlooker, { totalTickets: 6 });
    const counts = [2, 5, 3, 2, 1];
    const outcomes = await meet(
      concert,
      counts.map((count, turn) => () => book(concert.id, count, `user-${turn}`, client(turn))),
    );
    const verdicts = outcomes.map(verdict);
    // PostgreSQL keeps the order of waiting sessions only until the row changes: processes may overtake one another.
    if (processCount === 1) {
      expect(verdicts).toEqual(["OK", "INSUFFICIENT_TICKETS", "OK", "INSUFFICIENT_TICKETS", "OK"]);
    }
    const countsWith = (wanted: string) => counts.filter((_, turn) => verdicts[turn] === wanted);
    const [sold, refused] = [countsWith("OK"), countsWith("INSUFFICIENT_TICKETS")];
    expect(sold.length + refused.length).toBe(counts.length);
    const available = 6 - sold.reduce((sum, count) => sum + count, 0);
    expect(await ticketsOf(concert.id)).toEqual({ total: 6, available });
    // In every order a request is rejected only if it does not fit.
    expect(Math.min(...refused)).toBeGreaterThan(available);
  });

  test("books in shared transactions within one process, and in separate ones between processes", async () => {
    const concert = await createConcert(onlooker);
    const outcomes = await meetFromAllSides(concert, (by, turn) => book(concert.id, 1, `user-${turn}`, by));
    expect(tally(outcomes)).toEqual({ OK: crowd });
    const transactions = await database.query("SELECT DISTINCT xmin FROM bookings WHERE concert_id = $1", [concert.id]);
    expect(transactions).toHaveLength(processCount === 1 ? 2 : crowd);
  });

  test("sells tickets restored by a cancel even if the process has just seen the concert sold out", async () => {
    const { concert, booking } = await bookedConcert(2, 2);
    const calls = [
      () => cancel(booking.id, "ann", "", onlooker),
      () => book(concert.id, 1, "ben", onlooker),
      () => book(concert.id, 2, "cleo", onlooker),
      () => book(concert.id, 1, "dora", onlooker),
    ];
    const outcomes = await meetAtConcert(database, [bystander], concert.id, calls);
    expect(outcomes.map(verdict)).toEqual(["OK", "OK", "INSUFFICIENT_TICKETS", "OK"]);
  });

  describe("booking against a change of the total", () => {
    test.each([
      { from: 1, to: 3, first: "book", verdicts: ["INSUFFICIENT_TICKETS", "OK"], left: { total: 3, available: 3 } },
      { from: 1, to: 3, first: "update", verdicts: ["OK", "OK"], left: { total: 3, available: 1 } },
      { from: 3, to: 2, first: "book", verdicts: ["OK", "OK"], left: { total: 2, available: 0 } },
      { from: 3, to: 2, first: "update", verdicts: ["OK", "OK"], left: { total: 2, available: 0 } },
      { from: 3, to: 1, first: "book", verdicts: ["OK", "TOTAL_BELOW_SOLD"], left: { total: 3, available: 1 } },
      { from: 3, to: 1, first: "update", verdicts: ["OK", "INSUFFICIENT_TICKETS"], left: { total: 1, available: 1 } },
    ])("of two tickets while $from become $to, $first first", async ({ from, to, first, verdicts, left }) => {
      const concert = await createConcert(onlooker, { totalTickets: from });
      const calls = [() => book(concert.id, 2), () => update(concert, { totalTickets: to }, client(1))];
      const outcomes = await meet(concert, first === "book" ? calls : calls.toReversed());
      expect(outcomes.map(verdict)).toEqual(verdicts);
      expect(await ticketsOf(concert.id)).toEqual(left);
    });

    test("rejects a total below the tickets sold, with their number", async () => {
      const concert = await createConcert(onlooker, { totalTickets: 3 });
      const [, outcome] = await meet(concert, [
        () => book(concert.id, 2),
        () => update(concert, { totalTickets: 1 }, client(1)),
      ]);
      expect(outcome).toMatchObject({ code: "FAILED_PRECONDITION", metadata: { sold: "2" } });
    });

    test("does not change the version, so that a rush of bookings does not fail the organizer's update", async () => {
      const concert = await createConcert(onlooker, { totalTickets: 10 });
      const bookings = times(crowd - 1, (turn) => () => book(concert.id, 1, `user-${turn}`, client(turn)));
      const outcomes = await meet(concert, [...bookings, () => update(concert, { totalTickets: 20 })]);
      expect(tally(outcomes)).toEqual({ OK: crowd });
      expect(await ticketsOf(concert.id)).toEqual({ total: 20, available: 20 - (crowd - 1) });
    });
  });

  test("accepts one of many updates of the same version, and rejects the others with the current version", async () => {
    const concert = await createConcert(onlooker);
    const outcomes = await meetFromAllSides(concert, (by, turn) => update(concert, { name: `Name ${turn}` }, by));
    expect(tally(outcomes)).toEqual({ OK: 1, VERSION_MISMATCH: crowd - 1 });
    for (const outcome of outcomes) {
      if (!outcome.ok) expect(outcome).toMatchObject({ code: "ABORTED", metadata: { current_version: "2" } });
    }
    const winner = outcomes.findIndex((outcome) => outcome.ok);
    expect(succeeded(await onlooker.call(getConcert, { id: concert.id }, noCache))).toMatchObject({
      version: 2,
      name: `Name ${winner}`,
    });
  });

  test.each([
    { first: "book", price: 10.5 },
    { first: "update", price: 99.99 },
  ])("sells at $price if the $first comes first", async ({ first, price }) => {
    const concert = await createConcert(onlooker, { price: 10.5 });
    const calls = [() => book(concert.id, 2), () => update(concert, { price: 99.99 }, client(1))];
    const outcomes = await meet(concert, first === "book" ? calls : calls.toReversed());
    expect(outcomes.map(verdict)).toEqual(["OK", "OK"]);
    expect(outcomes[first === "book" ? 0 : 1]).toMatchObject({ message: { unitPrice: price, totalPrice: price * 2 } });
  });

  test("a crowd that waits for one concert does not delay bookings of others", async () => {
    const held = await createConcert(onlooker, { totalTickets: 5 });
    const free = await createConcert(onlooker, { totalTickets: 5 });
    await using lock = await holdConcert(database, held.id, services);
    const calls = times(10, (index) => () => book(held.id, 1, `user-${index}`));
    const waiting = await queueUp(lock, calls);
    succeeded(await book(free.id, 1));
    await lock.untilWaiting(10);
    await lock.release();
    expect(tally(await Promise.all(waiting))).toEqual({ OK: 5, INSUFFICIENT_TICKETS: 5 });
  });

  test("concerts do not wait for one another, and reads do not wait for locks", async () => {
    const held = await createConcert(onlooker, { totalTickets: 5 });
    const free = await createConcert(onlooker, { totalTickets: 5 });
    await using lock = await holdConcert(database, held.id);
    const [waiting] = await queueUp(lock, [() => book(held.id, 1)]);
    const { id } = succeeded(await book(free.id, 1));
    succeeded(await cancel(id));
    succeeded(await update(free, { totalTickets: 6 }));
    expect(await ticketsOf(held.id)).toEqual({ total: 5, available: 5 });
    await lock.untilWaiting(1);
    await lock.release();
    expect(waiting && verdict(await waiting)).toBe("OK");
    expect(await ticketsOf(held.id)).toEqual({ total: 5, available: 4 });
  });
});
