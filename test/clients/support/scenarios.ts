/** What every client must be able to do, whatever its language. */
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { expect, onTestFinished, vi } from "vitest";
import type { TestDatabase } from "../../support/database/database.ts";
import { holdConcert, patientSettings } from "../../support/database/locks.ts";
import { type OpenProgram, openProgram } from "../../support/process/program.ts";
import { createProtocolClient } from "../../support/protocols/protocols.ts";
import { testEnvironment } from "../../support/service/service.ts";
import { createConcert } from "../../support/service/stage.ts";
import type { Caller, Ended, Json } from "./caller.ts";
import { startWire, type Wire } from "./wire.ts";

/** What a scenario has: a client, and the service that it calls through the wire. */
export interface Stage {
  readonly caller: Caller;
  readonly wire: Wire;
  readonly service: OpenProgram;
  /** A service that takes one read a minute. */
  readonly strict: OpenProgram;
  readonly database: TestDatabase;
  /** Starts the client once more, for another service. */
  connect(address: string): Caller;
}

const bookTickets = "frontrow.v1.BookingService/BookTickets";
const cancelBooking = "frontrow.v1.BookingService/CancelBooking";
const getUserBookings = "frontrow.v1.BookingService/GetUserBookings";
const getConcert = "frontrow.v1.ConcertService/GetConcert";
const check = "grpc.health.v1.Health/Check";
const watch = "grpc.health.v1.Health/Watch";

const errorInfo = "type.googleapis.com/google.rpc.ErrorInfo";
const badRequest = "type.googleapis.com/google.rpc.BadRequest";
const retryInfo = "type.googleapis.com/google.rpc.RetryInfo";

/** The scenarios by their names. Every client plays all of them. */
export const scenarios: Readonly<Record<string, (stage: Stage) => Promise<void>>> = {
  "books, repeats the call, lists and cancels": async ({ caller, service }) => {
    const { booking, requestId } = await newBooking(service, { ticketCount: 2 });
    const metadata = { "idempotency-key": requestId };
    const made = succeeded(await caller.call(bookTickets, booking, { metadata }));
    expect(made).toMatchObject({ ticketCount: 2, status: "BOOKING_STATUS_CONFIRMED", totalPrice: 100.5 });

    const repeated = await caller.call(bookTickets, { ...booking, requestId });
    expect(succeeded(repeated)).toEqual(made);
    expect(repeated.metadata["idempotency-replayed"]).toBe("true");

    const { userId } = booking;
    const listed = succeeded(await caller.call(getUserBookings, { userId }));
    expect(listed.bookings).toEqual([made]);

    const cancelled = succeeded(await caller.call(cancelBooking, { id: made.id, userId }));
    expect(cancelled).toMatchObject({ id: made.id, status: "BOOKING_STATUS_CANCELLED" });
  },

  "reads the reason and the metadata of an error": async ({ caller, service }) => {
    const { booking } = await newBooking(service, { ticketCount: 4 }, 3);
    const ended = await caller.call(bookTickets, booking);
    expect(ended).toMatchObject({ code: "FAILED_PRECONDITION", message: expect.stringContaining("3") });
    expect(ended.details).toEqual([
      { "@type": errorInfo, domain: "frontrow", reason: "INSUFFICIENT_TICKETS", metadata: { available: "3" } },
    ]);
  },

  "reads which field is wrong": async ({ caller, service }) => {
    const { booking } = await newBooking(service, { ticketCount: 0 });
    const ended = await caller.call(bookTickets, booking);
    expect(ended.code).toBe("INVALID_ARGUMENT");
    expect(ended.details).toEqual([
      { "@type": errorInfo, domain: "frontrow", reason: "INVALID_REQUEST" },
      { "@type": badRequest, fieldViolations: [expect.objectContaining({ field: "ticket_count" })] },
    ]);
  },

  "reads when to repeat a call": async ({ strict, connect }) => {
    const caller = connect(hostOf(strict));
    const first = await caller.call(getUserBookings, { userId: "nora" });
    // The budget of a minute is one call for all clients of this machine.
    const refused = first.code === "OK" ? await caller.call(getUserBookings, { userId: "nora" }) : first;
    expect(refused).toMatchObject({ code: "RESOURCE_EXHAUSTED", metadata: { "ratelimit-remaining": "0" } });
    expect(refused.details).toEqual([
      { "@type": errorInfo, domain: "frontrow", reason: "RATE_LIMITED" },
      { "@type": retryInfo, retryDelay: expect.stringMatching(/^\d+(\.\d+)?s$/) },
    ]);
  },

  "has its deadline met while the call is under way, and repeats it safely": async (stage) => {
    const { booking, requestId, held } = await heldBooking(stage);
    const ended = await stage.caller.call(bookTickets, { ...booking, requestId }, { timeoutMs: 500 });
    // The lock is still held, so this is not the database's answer.
    expect(ended.code).toBe("DEADLINE_EXCEEDED");
    await held.release();
    await expectOneBooking(stage, { ...booking, requestId });
  },

  "cancels a call that is under way, and repeats it safely": async (stage) => {
    const { booking, requestId, held } = await heldBooking(stage);
    const call = stage.caller.start(bookTickets, { ...booking, requestId });
    await held.untilInTheWay();
    call.cancel();
    expect((await call.ended).code).toBe("CANCELLED");
    await held.release();
    await expectOneBooking(stage, { ...booking, requestId });
  },

  "sends and receives gzip": async ({ caller, wire, service }) => {
    // Long and repetitive enough to be worth compressing to every library.
    const { booking } = await newBooking(service, { userId: `${randomUUID()}${" zip".repeat(50)}` });
    const earlier = wire.zipped();
    const made = await Promise.all(
      Array.from({ length: 10 }, () => caller.call(bookTickets, booking, { gzip: true }).then(succeeded)),
    );
    expect(wire.zipped().requests).toBeGreaterThan(earlier.requests);
    const listed = succeeded(await caller.call(getUserBookings, { userId: booking.userId }));
    expect(listed.bookings).toHaveLength(made.length);
    expect(wire.zipped().responses).toBeGreaterThan(earlier.responses);
  },

  "checks and watches the health": async ({ caller }) => {
    expect(succeeded(await caller.call(check, { service: "" }))).toEqual({ status: "SERVING" });
    const known = await caller.call(check, { service: "frontrow.v1.BookingService" });
    expect(succeeded(known)).toEqual({ status: "SERVING" });
    expect((await caller.call(check, { service: "nothing" })).code).toBe("NOT_FOUND");
    const call = caller.start(watch, { service: "" });
    expect(await call.response(0)).toEqual({ status: "SERVING" });
    call.cancel();
    expect(await call.ended).toMatchObject({ code: "CANCELLED", responses: [{ status: "SERVING" }] });
  },

  "finishes its calls on an instance that drains, and makes the next ones on another": async (stage) => {
    const { database, service: other, connect } = stage;
    const { booking, requestId, held } = await heldBooking(stage);
    await withService(testEnvironment(database.url, patientSettings), async (service) => {
      const wire = await startWire(service.grpcUrl);
      onTestFinished(() => wire.close());
      const caller = connect(wire.address);
      const watched = caller.start(watch, { service: "" });
      expect(await watched.response(0)).toEqual({ status: "SERVING" });
      const underWay = caller.start(bookTickets, { ...booking, requestId });
      await held.untilInTheWay();

      wire.moveTo(other.grpcUrl);
      const stopped = service.stop();
      expect(await watched.response(1)).toEqual({ status: "NOT_SERVING" });
      expect(await watched.ended).toMatchObject({ code: "OK" });
      // HTTP/1.1 has no GOAWAY: a request on a connection that is just being closed would fail.
      await vi.waitFor(() => expect(wire.counts()).toSatisfy(({ goaways, open }) => goaways > 0 || open === 1), {
        timeout: 30_000,
      });
      expect(succeeded(await caller.call(check, { service: "" }))).toEqual({ status: "SERVING" });
      expect(wire.counts().connections).toBeGreaterThan(1);
      await held.release();
      const made = succeeded(await underWay.ended);
      expect(await stopped).toBe(0);
      const repeated = await caller.call(bookTickets, { ...booking, requestId });
      expect(succeeded(repeated)).toEqual(made);
    });
  },

  "reads that an instance shuts down before its call is finished": async (stage) => {
    const { booking, requestId, held } = await heldBooking(stage);
    const settings = { ...patientSettings, APP_SHUTDOWN_TIMEOUT: "100ms" };
    await withService(testEnvironment(stage.database.url, settings), async (service) => {
      const call = stage.connect(hostOf(service)).start(bookTickets, { ...booking, requestId });
      await held.untilInTheWay();
      const stopped = service.stop();
      const ended = await call.ended;
      expect(ended.code).toBe("UNAVAILABLE");
      expect(ended.details).toContainEqual({ "@type": errorInfo, domain: "frontrow", reason: "SHUTTING_DOWN" });
      await held.release();
      await stopped;
    });
    await expectOneBooking(stage, { ...booking, requestId });
  },

  "is not disturbed by 60 calls with too large a body": async ({ caller, service }) => {
    const { concertId } = (await newBooking(service)).booking;
    const oversized = { concertId, userId: " ".repeat(300_000), ticketCount: 1 };
    const refused = await Promise.all(Array.from({ length: 60 }, () => caller.call(bookTickets, oversized)));
    expect(countCodes(refused)).toEqual({ RESOURCE_EXHAUSTED: 60 });
    const read = await Promise.all(Array.from({ length: 240 }, () => caller.call(getConcert, { id: concertId })));
    expect(countCodes(read)).toEqual({ OK: 240 });
  },

  "is not disturbed by many calls whose deadlines pass": async ({ caller, service }) => {
    const { booking } = await newBooking(service, {}, 1_000_000);
    const impatient: Ended[] = [];
    let isOver = false;
    const crowd = Array.from({ length: 20 }, async () => {
      while (!isOver) {
        impatient.push(await caller.call(bookTickets, booking, { timeoutMs: 2 }));
        await delay(100);
      }
    });
    const patient: Ended[] = [];
    while (patient.length < 100) patient.push(await caller.call(getConcert, { id: booking.concertId }));
    isOver = true;
    await Promise.all(crowd);
    expect(patient.filter(({ code }) => code !== "OK")).toEqual([]);
    expect(countCodes(impatient)).toMatchObject({ DEADLINE_EXCEEDED: expect.any(Number) });
  },
};

interface Booking {
  readonly concertId: string;
  readonly userId: string;
  readonly ticketCount: number;
}

/** A request to book at a concert of the test's own, by a user that has no other bookings, and a key for it. */
async function newBooking(
  service: OpenProgram,
  changes: Partial<Booking> = {},
  totalTickets = 100,
): Promise<{ readonly booking: Booking & Json; readonly requestId: string }> {
  const rest = createProtocolClient("REST", service.baseUrl);
  const concertId = String((await createConcert(rest, { totalTickets })).id);
  rest.close();
  const booking = { concertId, userId: randomUUID(), ticketCount: 1, ...changes };
  return { booking, requestId: randomUUID() };
}

/** The same, with the concert's row locked: bookings of it wait in the database. */
async function heldBooking({ service, database }: Stage) {
  const made = await newBooking(service);
  const held = await holdConcert(database, BigInt(made.booking.concertId));
  onTestFinished(() => held.release());
  return { ...made, held };
}

/** Repeats a booking whose outcome the client does not know. Afterwards there is exactly one. */
async function expectOneBooking({ caller }: Stage, booking: Booking & Json): Promise<void> {
  const made = succeeded(await caller.call(bookTickets, booking));
  const listed = succeeded(await caller.call(getUserBookings, { userId: booking.userId }));
  expect(listed.bookings).toEqual([made]);
}

function succeeded(ended: Ended): Json {
  const [response] = ended.responses;
  if (ended.code !== "OK" || !response) throw new Error(`the call failed: ${JSON.stringify(ended)}`);
  return response;
}

function countCodes(calls: readonly Ended[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { code } of calls) counts[code] = (counts[code] ?? 0) + 1;
  return counts;
}

/** Runs a service for the time of a task. */
async function withService(
  environment: Record<string, string>,
  task: (service: OpenProgram) => Promise<void>,
): Promise<void> {
  const service = await openProgram(environment);
  try {
    await task(service);
  } finally {
    await service.stop();
  }
}

const hostOf = ({ grpcUrl }: OpenProgram) => new URL(grpcUrl).host;
