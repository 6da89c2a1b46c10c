/** The key of a hold has one hold, for repetitions at once and after all that can happen to it; a settled hold is a replay. */
import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { BookingStatus } from "../gen/frontrow/v1/booking_pb.ts";
import { BookingService } from "../gen/frontrow/v1/booking_service_pb.ts";
import { createTestDatabase, type TestDatabase } from "./support/database/database.ts";
import { makeDue, ticketsOf } from "./support/database/holds.ts";
import { meetAtConcert, patientSettings } from "./support/database/locks.ts";
import { succeeded, tally, verdict } from "./support/protocols/outcomes.ts";
import { createProtocolClient, type ProtocolClient } from "./support/protocols/protocols.ts";
import { startTestServices, type TestService } from "./support/service/service.ts";
import { createConcert } from "./support/service/stage.ts";

const { bookTickets, holdTickets, confirmHold, releaseHold, extendHold, cancelBooking } = BookingService.method;
const crowd = 6;
/** Calls to one service are a batch. Calls to different services meet at the concert's lock. */
const origins = ["one process", "several processes"] as const;
const userId = "ann";

let database: TestDatabase;
let services: TestService[];
let client: ProtocolClient;

beforeAll(async () => {
  database = await createTestDatabase();
  services = await startTestServices(crowd, database, patientSettings);
  [client] = clientsOf("several processes") as [ProtocolClient];
});
afterEach(() => database.checkInvariants().finally(() => database.clear()));
afterAll(async () => {
  await Promise.all((services ?? []).map((service) => service.close()));
  await database?.drop();
});

/** One client for each call of a crowd. */
function clientsOf(origin: (typeof origins)[number]): ProtocolClient[] {
  const [only] = services;
  return services.map((each) =>
    createProtocolClient("REST", origin === "one process" && only ? only.baseUrl : each.baseUrl),
  );
}

/** A hold of four of ten tickets, whose key the test repeats. */
async function heldOnce() {
  const concert = await createConcert(client, { totalTickets: 10 });
  const order = { concertId: concert.id, userId, ticketCount: 4, requestId: randomUUID() };
  return { concert, order, hold: succeeded(await client.call(holdTickets, order)) };
}

/** Calls that wait behind another user's booking, so that those of one process are one batch. */
async function meet<Answer>(
  origin: (typeof origins)[number],
  concertId: bigint,
  call: (client: ProtocolClient, index: number) => Promise<Answer>,
): Promise<Answer[]> {
  const [first, ...callers] = clientsOf(origin);
  const order = { concertId, userId: "zoe", ticketCount: 1 };
  const another = () => (first as ProtocolClient).call(bookTickets, order) as Promise<unknown>;
  const calls = [another, ...callers.map((caller, index) => () => call(caller, index) as Promise<unknown>)];
  const [, ...answers] = await meetAtConcert(database, services, concertId, calls);
  return answers as Answer[];
}

describe.each(origins)("from %s", (origin) => {
  test("a key sent at once makes one hold, which all get", async () => {
    const { id: concertId } = await createConcert(client, { totalTickets: 10 });
    const order = { concertId, userId, ticketCount: 4, requestId: randomUUID() };
    const outcomes = await meet(origin, concertId, (caller) => caller.call(holdTickets, order));
    expect(tally(outcomes)).toEqual({ OK: 1, REPLAYED: crowd - 2 });
    expect(new Set(outcomes.map((outcome) => succeeded(outcome).id)).size).toBe(1);
    expect(await ticketsOf(database, { id: concertId })).toEqual({ available: 5, held: 4 });
  });

  test("confirmations at once confirm a hold once", async () => {
    const { concert, hold } = await heldOnce();
    const request = { id: hold.id, userId, ticketCount: 3, paymentReference: "pi_1" };
    const outcomes = await meet(origin, concert.id, (caller) => caller.call(confirmHold, request));
    expect(tally(outcomes)).toEqual({ OK: 1, REPLAYED: crowd - 2 });
    expect(await ticketsOf(database, concert)).toEqual({ available: 6, held: 0 });
  });

  test("of a confirmation and releases at once one has its way", async () => {
    const { concert, hold } = await heldOnce();
    const outcomes = await meet(origin, concert.id, (caller, index) =>
      caller.call(index % 2 === 0 ? confirmHold : releaseHold, { id: hold.id, userId }),
    );
    const [status] = outcomes.filter(({ ok }) => ok).map((outcome) => succeeded(outcome).status);
    const others = status === BookingStatus.CONFIRMED ? { ALREADY_CONFIRMED: 2 } : { NOT_HELD: 3 };
    const replays = status === BookingStatus.CONFIRMED ? 2 : 1;
    expect(tally(outcomes)).toEqual({ OK: 1, REPLAYED: replays, ...others });
    const left = status === BookingStatus.CONFIRMED ? 5 : 9;
    expect(await ticketsOf(database, concert)).toEqual({ available: left, held: 0 });
  });

  test("one user's holds with different keys are one, since the operator allows one", async () => {
    const { id: concertId } = await createConcert(client, { totalTickets: 10 });
    const order = { concertId, userId, ticketCount: 1 };
    const outcomes = await meet(origin, concertId, (caller) => caller.call(holdTickets, order));
    expect(tally(outcomes)).toEqual({ OK: 1, HOLD_LIMIT_EXCEEDED: crowd - 2 });
  });
});

describe("a hold's key repeated", () => {
  const ends: Record<string, (id: bigint) => Promise<unknown>> = {
    "is confirmed": (id) => client.call(confirmHold, { id, userId }),
    "is confirmed in part": (id) => client.call(confirmHold, { id, userId, ticketCount: 1 }),
    "is released": (id) => client.call(releaseHold, { id, userId }),
    "is due": (id) => makeDue(database, { id }),
    "is confirmed and cancelled": async (id) => {
      await client.call(confirmHold, { id, userId });
      await client.call(cancelBooking, { id, userId });
    },
  };
  const statuses = ["CONFIRMED", "CONFIRMED", "RELEASED", "EXPIRED", "CANCELLED"] as const;
  const counts = [4, 1, 4, 4, 4];

  test.each(Object.keys(ends).map((end, index) => [end, statuses[index], counts[index]] as const))(
    "after the hold %s returns it as it is: %s with %i tickets",
    async (end, status, ticketCount) => {
      const { concert, order, hold } = await heldOnce();
      await ends[end]?.(hold.id);
      const again = await client.call(holdTickets, { ...order, ttl: { seconds: 60n } });
      expect(again).toMatchObject({ ok: true, replayed: "true" });
      const message = { id: hold.id, status: BookingStatus[status ?? "HELD"], ticketCount };
      expect(again).toMatchObject({ message });
      expect(verdict(await client.call(holdTickets, { ...order, ticketCount: 1 }))).toBe("REQUEST_ID_REUSED");
      expect(verdict(await client.call(bookTickets, order))).toBe("REQUEST_ID_REUSED");
      const { available = Number.NaN } = (await ticketsOf(database, concert)) ?? {};
      expect(available).toBe(status === "CONFIRMED" ? 10 - (ticketCount ?? 0) : 10);
    },
  );

  test("by another user, or for another concert, makes another hold", async () => {
    const { order, hold } = await heldOnce();
    const other = await createConcert(client, { totalTickets: 10 });
    const outcomes = [
      await client.call(holdTickets, { ...order, userId: "ben" }),
      await client.call(holdTickets, { ...order, concertId: other.id }),
    ];
    expect(outcomes.map(verdict)).toEqual(["OK", "OK"]);
    expect(new Set([hold, ...outcomes.map(succeeded)].map(({ id }) => id)).size).toBe(3);
  });

  test("stays unused when the call is rejected", async () => {
    const { id: concertId } = await createConcert(client, { totalTickets: 1 });
    const order = { concertId, userId, requestId: randomUUID() };
    expect(verdict(await client.call(holdTickets, { ...order, ticketCount: 2 }))).toBe("INSUFFICIENT_TICKETS");
    expect(verdict(await client.call(bookTickets, { ...order, ticketCount: 1 }))).toBe("OK");
  });
});

test("an extension repeated at once never shortens the hold", async () => {
  const { concert, hold } = await heldOnce();
  const ttls = [1_200n, 30n, 1_800n, 60n, 600n];
  await meet("one process", concert.id, (caller, index) =>
    caller.call(extendHold, { id: hold.id, userId, ttl: { seconds: ttls[index] ?? 1n } }),
  );
  const [stored] = await database.query(
    "SELECT hold_expires_time > booking_time + interval '30 minutes' AS lives FROM bookings WHERE id = $1",
    [hold.id],
  );
  expect(stored).toEqual({ lives: true });
});
