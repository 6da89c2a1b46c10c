/** Calls that meet at one concert, arranged by holding its row lock until all of them wait for it. */
import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { BookingService } from "../gen/frontrow/v1/booking_service_pb.ts";
import { ConcertService } from "../gen/frontrow/v1/concert_service_pb.ts";
import { checkAndClear } from "./support/aftermath.ts";
import { type Concert, createConcert, type Description, describeConcert } from "./support/concerts.ts";
import { holdConcert, meetAtConcert, patientSettings, queueUp } from "./support/locks.ts";
import { succeeded, tally, verdict } from "./support/outcomes.ts";
import { createProtocolClient, type Outcome, type Protocol, type ProtocolClient } from "./support/protocols.ts";
import { startTestService, type TestService } from "./support/service.ts";

const { bookTickets, cancelBooking } = BookingService.method;
const { getConcert, updateConcert } = ConcertService.method;
const protocols: readonly Protocol[] = ["REST", "gRPC", "Connect JSON", "gRPC-Web", "Connect binary"];
/** As many calls as can wait for a lock together: the default pool has ten connections. */
const crowd = 8;

let service: TestService;
let clients: ProtocolClient[];

beforeAll(async () => {
  service = await startTestService(patientSettings);
  clients = protocols.map((protocol) => createProtocolClient(protocol, service.baseUrl));
});
afterEach(() => checkAndClear(service.database));
afterAll(async () => {
  for (const client of clients ?? []) client.close();
  await service?.close();
});

/** The clients in turn, so that the protocols meet as well. */
function client(turn = 0): ProtocolClient {
  const chosen = clients[turn % clients.length];
  if (!chosen) throw new Error("there is no client");
  return chosen;
}

const times = <Item>(count: number, make: (index: number) => Item): Item[] =>
  Array.from({ length: count }, (_, index) => make(index));

function book(concertId: bigint, ticketCount: number, userId = "ann", turn = 0) {
  return client(turn).call(bookTickets, { concertId, userId, ticketCount });
}

function cancel(id: bigint, userId = "ann", requestId = "", turn = 0) {
  return client(turn).call(cancelBooking, { id, userId, requestId });
}

function update({ id, version }: Pick<Concert, "id" | "version">, changes: Partial<Description>, turn = 0) {
  return client(turn).call(updateConcert, { id, version, ...describeConcert(changes) });
}

async function ticketsOf(id: bigint) {
  const { totalTickets, availableTickets } = succeeded(await client().call(getConcert, { id }));
  return { total: totalTickets, available: availableTickets };
}

/** Calls that meet at the concert, in this order if they are two. */
function meet(concert: Concert, calls: (() => Promise<Outcome<unknown>>)[]): Promise<Outcome<unknown>[]> {
  return meetAtConcert(service.database, concert.id, calls);
}

describe("cancelling", () => {
  test("one booking from all sides restores its tickets once", async () => {
    const concert = await createConcert(client(), { totalTickets: 10 });
    const { id } = succeeded(await book(concert.id, 4));
    const outcomes = await meet(
      concert,
      times(crowd, (turn) => () => cancel(id, "ann", "", turn)),
    );
    expect(tally(outcomes)).toEqual({ OK: 1, ALREADY_CANCELLED: crowd - 1 });
    expect(await ticketsOf(concert.id)).toEqual({ total: 10, available: 10 });
  });

  test("one booking from all sides with one key succeeds for all, and restores its tickets once", async () => {
    const concert = await createConcert(client(), { totalTickets: 10 });
    const { id } = succeeded(await book(concert.id, 4));
    const requestId = randomUUID();
    const outcomes = await meet(
      concert,
      times(crowd, (turn) => () => cancel(id, "ann", requestId, turn)),
    );
    expect(tally(outcomes)).toEqual({ OK: 1, REPLAYED: crowd - 1 });
    expect(await ticketsOf(concert.id)).toEqual({ total: 10, available: 10 });
  });

  test("does not confuse bookings that are cancelled together", async () => {
    const concert = await createConcert(client(), { totalTickets: 10 });
    const first = succeeded(await book(concert.id, 3, "ann"));
    const second = succeeded(await book(concert.id, 5, "ben"));
    const outcomes = await meet(
      concert,
      times(crowd, (turn) => () => (turn % 2 === 0 ? cancel(first.id, "ann") : cancel(second.id, "ben"))),
    );
    expect(tally(outcomes)).toEqual({ OK: 2, ALREADY_CANCELLED: crowd - 2 });
    expect(await ticketsOf(concert.id)).toEqual({ total: 10, available: 10 });
  });

  test("by another user, while the owner does, is refused", async () => {
    const concert = await createConcert(client(), { totalTickets: 10 });
    const { id } = succeeded(await book(concert.id, 4));
    const outcomes = await meet(concert, [() => cancel(id, "mallory"), () => cancel(id, "ann")]);
    expect(outcomes.map(verdict)).toEqual(["NOT_BOOKING_OWNER", "OK"]);
  });
});

describe("booking against cancelling the last tickets", () => {
  test("finds them if it comes second", async () => {
    const concert = await createConcert(client(), { totalTickets: 2 });
    const { id } = succeeded(await book(concert.id, 2));
    const outcomes = await meet(concert, [() => cancel(id), () => book(concert.id, 2, "ben", 1)]);
    expect(outcomes.map(verdict)).toEqual(["OK", "OK"]);
    expect(await ticketsOf(concert.id)).toEqual({ total: 2, available: 0 });
  });

  test("does not find them if it comes first", async () => {
    const concert = await createConcert(client(), { totalTickets: 2 });
    const { id } = succeeded(await book(concert.id, 2));
    const outcomes = await meet(concert, [() => book(concert.id, 2, "ben", 1), () => cancel(id)]);
    expect(outcomes.map(verdict)).toEqual(["INSUFFICIENT_TICKETS", "OK"]);
    expect(await ticketsOf(concert.id)).toEqual({ total: 2, available: 2 });
  });
});

test("bookings of the last ticket: one gets it", async () => {
  const concert = await createConcert(client(), { totalTickets: 1 });
  const outcomes = await meet(
    concert,
    times(crowd, (turn) => () => book(concert.id, 1, `user-${turn}`, turn)),
  );
  expect(tally(outcomes)).toEqual({ OK: 1, INSUFFICIENT_TICKETS: crowd - 1 });
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
    const concert = await createConcert(client(), { totalTickets: from });
    const calls = [() => book(concert.id, 2), () => update(concert, { totalTickets: to }, 1)];
    const outcomes = await meet(concert, first === "book" ? calls : calls.toReversed());
    expect(outcomes.map(verdict)).toEqual(verdicts);
    expect(await ticketsOf(concert.id)).toEqual(left);
  });

  test("says how many are sold when the total would fall below", async () => {
    const concert = await createConcert(client(), { totalTickets: 3 });
    const [, outcome] = await meet(concert, [() => book(concert.id, 2), () => update(concert, { totalTickets: 1 }, 1)]);
    expect(outcome).toMatchObject({ code: "FAILED_PRECONDITION", metadata: { sold: "2" } });
  });

  test("leaves the version alone, so that a rush does not starve the organizer", async () => {
    const concert = await createConcert(client(), { totalTickets: 10 });
    const bookings = times(crowd - 1, (turn) => () => book(concert.id, 1, `user-${turn}`, turn));
    const outcomes = await meet(concert, [...bookings, () => update(concert, { totalTickets: 20 })]);
    expect(tally(outcomes)).toEqual({ OK: crowd });
    expect(await ticketsOf(concert.id)).toEqual({ total: 20, available: 20 - (crowd - 1) });
  });
});

test("updates based on the same version: one wins, the others hear the version of now", async () => {
  const concert = await createConcert(client());
  const outcomes = await meet(
    concert,
    times(crowd, (turn) => () => update(concert, { name: `Name ${turn}` }, turn)),
  );
  expect(tally(outcomes)).toEqual({ OK: 1, VERSION_MISMATCH: crowd - 1 });
  for (const outcome of outcomes) {
    if (!outcome.ok) expect(outcome).toMatchObject({ code: "ABORTED", metadata: { current_version: "2" } });
  }
  const winner = outcomes.findIndex((outcome) => outcome.ok);
  expect(succeeded(await client().call(getConcert, { id: concert.id }))).toMatchObject({
    version: 2,
    name: `Name ${winner}`,
  });
});

test.each([
  { first: "book", price: 10.5 },
  { first: "update", price: 99.99 },
])("a booking against a change of the price: sold at $price if $first comes first", async ({ first, price }) => {
  const concert = await createConcert(client(), { price: 10.5 });
  const calls = [() => book(concert.id, 2), () => update(concert, { price: 99.99 }, 1)];
  const outcomes = await meet(concert, first === "book" ? calls : calls.toReversed());
  expect(outcomes.map(verdict)).toEqual(["OK", "OK"]);
  expect(outcomes[first === "book" ? 0 : 1]).toMatchObject({ message: { unitPrice: price, totalPrice: price * 2 } });
});

test("concerts do not wait for one another, and reads wait for nobody", async () => {
  const held = await createConcert(client(), { totalTickets: 5 });
  const free = await createConcert(client(), { totalTickets: 5 });
  const lock = await holdConcert(service.database, held.id);
  let waiting: Promise<Outcome<unknown>> | undefined;
  try {
    [waiting] = await queueUp(lock, [() => book(held.id, 1)]);
    const { id } = succeeded(await book(free.id, 1));
    succeeded(await cancel(id));
    succeeded(await update(free, { totalTickets: 6 }));
    expect(await ticketsOf(held.id)).toEqual({ total: 5, available: 5 });
    await lock.untilWaiting(1);
  } finally {
    await lock.release();
  }
  expect(waiting && verdict(await waiting)).toBe("OK");
  expect(await ticketsOf(held.id)).toEqual({ total: 5, available: 4 });
});
