/** One key has one effect: for repetitions at once, and after everything else has changed. */
import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { BookingStatus } from "../gen/frontrow/v1/booking_pb.ts";
import { BookingService } from "../gen/frontrow/v1/booking_service_pb.ts";
import { ConcertService } from "../gen/frontrow/v1/concert_service_pb.ts";
import { createTestDatabase, type TestDatabase } from "./support/database/database.ts";
import { meetAtConcert, patientSettings } from "./support/database/locks.ts";
import { openProgram } from "./support/process/program.ts";
import { succeeded, tally, verdict } from "./support/protocols/outcomes.ts";
import { createProtocolClient, type Protocol, type ProtocolClient } from "./support/protocols/protocols.ts";
import {
  noCache,
  startTestService,
  startTestServices,
  type TestService,
  testEnvironment,
} from "./support/service/service.ts";
import { createConcert, describeConcert, timestamp } from "./support/service/stage.ts";

const { bookTickets, cancelBooking } = BookingService.method;
const { createConcert: create, getConcert, updateConcert } = ConcertService.method;
const protocols: readonly Protocol[] = ["REST", "gRPC", "Connect JSON", "gRPC-Web", "Connect binary"];
const crowd = 8;
/** Calls to one service are a batch. Calls to different services meet at the concert's lock. */
const origins = ["one process", "several processes"] as const;

let database: TestDatabase;
let services: TestService[];
let client: ProtocolClient;

beforeAll(async () => {
  database = await createTestDatabase();
  services = await startTestServices(crowd, database, patientSettings);
  [client] = clientsOf("REST") as [ProtocolClient];
});
afterEach(() => database.checkInvariants().finally(() => database.clear()));
afterAll(async () => {
  await Promise.all((services ?? []).map((service) => service.close()));
  await database?.drop();
});

/** One client for each call of a crowd. */
function clientsOf(protocol: Protocol, origin: (typeof origins)[number] = "several processes"): ProtocolClient[] {
  const [only] = services;
  return services.map((each) =>
    createProtocolClient(protocol, origin === "one process" && only ? only.baseUrl : each.baseUrl),
  );
}

interface BookingOrder {
  readonly concertId: bigint;
  readonly requestId: string;
  readonly userId?: string;
  readonly ticketCount?: number;
}

const book = ({ userId = "ann", ticketCount = 2, ...order }: BookingOrder, by = client) =>
  by.call(bookTickets, { userId, ticketCount, ...order });

async function availableIn(id: bigint): Promise<number> {
  return succeeded(await client.call(getConcert, { id }, noCache)).availableTickets;
}

/** A concert with a booking whose key the test repeats. */
async function bookedOnce(totalTickets = 10) {
  const concert = await createConcert(client, { totalTickets });
  const order = { concertId: concert.id, requestId: randomUUID() };
  const booking = succeeded(await book(order));
  return { concert, order, booking };
}

/** Calls that wait behind another user's call, so that those of one process are one batch. */
async function meetBehindAnother(
  concertId: bigint,
  [first, ...callers]: readonly ProtocolClient[],
  call: (caller: ProtocolClient, index: number) => ReturnType<typeof book>,
) {
  const another = () => book({ concertId, requestId: randomUUID(), userId: "zoe", ticketCount: 1 }, first);
  const calls = callers.map((caller, index) => () => call(caller, index));
  const [ahead, ...outcomes] = await meetAtConcert(database, services, concertId, [another, ...calls]);
  expect(ahead && verdict(ahead)).toBe("OK");
  return outcomes;
}

describe("a booking's key", () => {
  test.each(protocols.flatMap((protocol) => origins.map((origin) => ({ protocol, origin }))))(
    "sent at once from $origin makes one booking, which all get ($protocol)",
    async ({ protocol, origin }) => {
      const { id: concertId } = await createConcert(client, { totalTickets: 10 });
      const order = { concertId, requestId: randomUUID() };
      const callers = clientsOf(protocol, origin);
      const outcomes = await meetBehindAnother(concertId, callers, (caller) => book(order, caller));
      for (const caller of callers) caller.close();
      expect(tally(outcomes)).toEqual({ OK: 1, REPLAYED: crowd - 2 });
      expect(new Set(outcomes.map((outcome) => succeeded(outcome).id)).size).toBe(1);
      const stored = await database.query("SELECT request_id FROM bookings WHERE concert_id = $1 AND user_id = 'ann'", [
        concertId,
      ]);
      expect(stored).toEqual([{ request_id: order.requestId }]);
      expect(await availableIn(concertId)).toBe(7);
    },
  );

  test("repeated returns the booking and takes no tickets", async () => {
    const { concert, order, booking } = await bookedOnce();
    const outcome = await book(order);
    expect(outcome).toEqual({ ok: true, replayed: "true", message: booking });
    expect(await availableIn(concert.id)).toBe(8);
  });

  test("is the same in upper case", async () => {
    const { order, booking } = await bookedOnce();
    const outcome = await book({ ...order, requestId: order.requestId.toUpperCase() });
    expect(outcome).toMatchObject({ replayed: "true", message: { id: booking.id } });
  });

  test("repeated after booking has closed returns the booking; a new key is rejected", async () => {
    const { concert, order, booking } = await bookedOnce();
    const closed = describeConcert({ totalTickets: 10, bookingEndTime: timestamp("2020-05-02T00:00:00Z") });
    succeeded(await client.call(updateConcert, { id: concert.id, version: 1, ...closed }));
    expect(await book(order)).toMatchObject({ replayed: "true", message: { id: booking.id } });
    expect(verdict(await book({ ...order, requestId: randomUUID() }))).toBe("BOOKING_NOT_OPEN");
  });

  test("repeated after the concert is sold out returns the booking; a new key is rejected", async () => {
    const { order, booking } = await bookedOnce(2);
    expect(verdict(await book({ ...order, requestId: randomUUID() }))).toBe("INSUFFICIENT_TICKETS");
    expect(await book(order)).toMatchObject({ replayed: "true", message: { id: booking.id } });
  });

  test("repeated after the operator has lowered the limit returns the booking; a new key is rejected", async () => {
    const { order, booking } = await bookedOnce();
    const strict = await startTestService({ APP_MAX_TICKETS_PER_BOOKING: "1" }, database);
    const strictClient = createProtocolClient("REST", strict.baseUrl);
    expect(await book(order, strictClient)).toMatchObject({ replayed: "true", message: { id: booking.id } });
    expect(verdict(await book({ ...order, requestId: randomUUID() }, strictClient))).toBe("TICKET_LIMIT_EXCEEDED");
    await strict.close();
  });

  test("repeated after a change of price returns the price at which it was sold", async () => {
    const { concert, order, booking } = await bookedOnce();
    const dearer = describeConcert({ totalTickets: 10, price: 99 });
    succeeded(await client.call(updateConcert, { id: concert.id, version: 1, ...dearer }));
    expect(await book(order)).toEqual({ ok: true, replayed: "true", message: booking });
  });

  test("repeated after the cancellation returns the cancelled booking, and books nothing", async () => {
    const { concert, order, booking } = await bookedOnce();
    succeeded(await client.call(cancelBooking, { id: booking.id, userId: "ann" }));
    const outcome = await book(order);
    expect(outcome).toMatchObject({ replayed: "true", message: { id: booking.id, status: BookingStatus.CANCELLED } });
    expect(await availableIn(concert.id)).toBe(10);
  });

  test("repeated after its process was killed returns the booking, from another process and from the next one", async () => {
    const { id: concertId } = await createConcert(client, { totalTickets: 10 });
    const order = { concertId, requestId: randomUUID() };
    const first = await openProgram(testEnvironment(database.url));
    const booking = succeeded(await book(order, createProtocolClient("REST", first.baseUrl)));
    await first.stop("SIGKILL");
    expect(await book(order)).toEqual({ ok: true, replayed: "true", message: booking });
    const next = await openProgram(testEnvironment(database.url));
    expect(await book(order, createProtocolClient("REST", next.baseUrl))).toMatchObject({
      replayed: "true",
      message: { id: booking.id },
    });
    await next.stop();
    expect(await availableIn(concertId)).toBe(8);
  });

  test("with another ticket_count is rejected, also after the cancellation", async () => {
    const { concert, order, booking } = await bookedOnce();
    const refusal = { code: "INVALID_ARGUMENT", reason: "REQUEST_ID_REUSED" };
    expect(await book({ ...order, ticketCount: 3 })).toMatchObject(refusal);
    succeeded(await client.call(cancelBooking, { id: booking.id, userId: "ann" }));
    expect(await book({ ...order, ticketCount: 3 })).toMatchObject(refusal);
    expect(await availableIn(concert.id)).toBe(10);
  });

  test.each(origins)("sent at once from %s with different counts is one call's, and no other's", async (origin) => {
    const { id: concertId } = await createConcert(client, { totalTickets: 10 });
    const order = { concertId, requestId: randomUUID() };
    const callers = clientsOf("REST", origin).slice(0, 4);
    const outcomes = await meetBehindAnother(concertId, callers, (caller, index) =>
      book({ ...order, ticketCount: index + 1 }, caller),
    );
    const verdicts = outcomes.map(verdict);
    // A batch keeps the order of its calls. Of three processes any may get the lock next.
    const first = origin === "one process" ? 0 : verdicts.indexOf("OK");
    expect(verdicts[first]).toBe("OK");
    expect(verdicts.toSpliced(first, 1)).toEqual(["REQUEST_ID_REUSED", "REQUEST_ID_REUSED"]);
    expect(await availableIn(concertId)).toBe(8 - first);
  });

  test("of another user, or for another concert, makes another booking", async () => {
    const { concert, order, booking } = await bookedOnce();
    const other = await createConcert(client, { totalTickets: 10 });
    const outcomes = [await book({ ...order, userId: "ben" }), await book({ ...order, concertId: other.id })];
    expect(outcomes.map(verdict)).toEqual(["OK", "OK"]);
    expect(new Set([booking, ...outcomes.map(succeeded)].map(({ id }) => id)).size).toBe(3);
    expect([await availableIn(concert.id), await availableIn(other.id)]).toEqual([6, 8]);
  });

  test("stays unused when the call is rejected", async () => {
    const { id: concertId } = await createConcert(client, { totalTickets: 1 });
    const order = { concertId, requestId: randomUUID() };
    expect(verdict(await book(order))).toBe("INSUFFICIENT_TICKETS");
    expect(verdict(await book({ ...order, ticketCount: 11 }))).toBe("TICKET_LIMIT_EXCEEDED");
    expect(verdict(await book({ ...order, ticketCount: 1 }))).toBe("OK");
  });

  test("may equal a concert's key or a cancellation's", async () => {
    const requestId = randomUUID();
    const concert = succeeded(await client.call(create, { ...describeConcert(), requestId }));
    const booking = succeeded(await book({ concertId: concert.id, requestId }));
    expect(verdict(await client.call(cancelBooking, { id: booking.id, userId: "ann", requestId }))).toBe("OK");
    expect(verdict(await client.call(cancelBooking, { id: booking.id, userId: "ann", requestId }))).toBe("REPLAYED");
  });
});

describe("a cancellation's key", () => {
  test("repeated succeeds; another key, or none, is rejected with ALREADY_CANCELLED; another user is rejected", async () => {
    const { booking } = await bookedOnce();
    const cancel = (requestId: string, userId = "ann") =>
      client.call(cancelBooking, { id: booking.id, userId, requestId });
    const requestId = randomUUID();
    const first = await cancel(requestId);
    expect(verdict(first)).toBe("OK");
    expect(await cancel(requestId)).toEqual({ ok: true, replayed: "true", message: succeeded(first) });
    expect(verdict(await cancel(randomUUID()))).toBe("ALREADY_CANCELLED");
    expect(verdict(await cancel(""))).toBe("ALREADY_CANCELLED");
    expect(verdict(await cancel(requestId, "mallory"))).toBe("NOT_BOOKING_OWNER");
  });

  test("stays unused when the call is rejected", async () => {
    const { booking } = await bookedOnce();
    const requestId = randomUUID();
    const cancel = (userId: string) => client.call(cancelBooking, { id: booking.id, userId, requestId });
    expect(verdict(await cancel("mallory"))).toBe("NOT_BOOKING_OWNER");
    expect(verdict(await cancel("ann"))).toBe("OK");
  });
});
