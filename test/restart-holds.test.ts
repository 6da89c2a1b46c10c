/** A process that is killed after each step of a hold's life: the next process has what was acknowledged, and goes on. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Booking, BookingStatus } from "../gen/frontrow/v1/booking_pb.ts";
import { BookingService } from "../gen/frontrow/v1/booking_service_pb.ts";
import { createTestDatabase, type TestDatabase } from "./support/database/database.ts";
import { ticketsOf } from "./support/database/holds.ts";
import { endChildren } from "./support/process/child-process.ts";
import { openProgram } from "./support/process/program.ts";
import { succeeded } from "./support/protocols/outcomes.ts";
import { createProtocolClient, type ProtocolClient } from "./support/protocols/protocols.ts";
import { testEnvironment } from "./support/service/service.ts";
import { createConcert } from "./support/service/stage.ts";

const { holdTickets, extendHold, confirmHold, cancelBooking, releaseHold } = BookingService.method;
const { HELD, CONFIRMED, CANCELLED, RELEASED } = BookingStatus;
const [holdKey, otherKey, cancelKey] = [randomUUID(), randomUUID(), randomUUID()];

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(async () => {
  await endChildren();
  await database?.checkInvariants().finally(() => database.drop());
});

type Call = (client: ProtocolClient) => Promise<Booking>;

/** Sends calls to a new process, and kills the process when it has answered. */
async function inNewProcess<Answer>(work: (client: ProtocolClient) => Promise<Answer>): Promise<Answer> {
  const program = await openProgram(testEnvironment(database.url));
  try {
    return await work(createProtocolClient("Connect JSON", program.baseUrl));
  } finally {
    await program.stop("SIGKILL");
  }
}

test("holds, extends, confirms, cancels and releases across kills", { timeout: 120_000 }, async () => {
  /** Repeats the last call and compares the answers. */
  let repeat = async (_client: ProtocolClient) => {};

  /** A new process repeats the last call and answers another one. `kept` is what a repetition of that one returns as well. */
  function next(call: Call, kept: (answer: Booking) => Partial<Booking> = (answer) => answer): Promise<Booking> {
    return inNewProcess(async (client) => {
      await repeat(client);
      const answer = await call(client);
      repeat = async (another) => expect(await call(another)).toMatchObject(kept(answer));
      return answer;
    });
  }

  let concertId = 0n;
  const holdBy = (userId: string, requestId: string) => async (client: ProtocolClient) => {
    concertId ||= (await createConcert(client, { totalTickets: 10 })).id;
    return succeeded(await client.call(holdTickets, { concertId, userId, ticketCount: 3, requestId }));
  };
  const held = await next(holdBy("ann", holdKey));
  expect(held).toMatchObject({ status: HELD, ticketCount: 3 });

  const { id, userId } = held;
  const extended = await next(
    async (client) => succeeded(await client.call(extendHold, { id, userId, ttl: { seconds: 1_800n } })),
    ({ status }) => ({ id, status }),
  );
  expect(extended.status).toBe(HELD);
  expect(extended.holdExpiresTime?.seconds).toBeGreaterThan(held.holdExpiresTime?.seconds ?? 0n);

  const confirm = { id, userId, ticketCount: 2, paymentReference: "paid" };
  const confirmed = await next(async (client) => succeeded(await client.call(confirmHold, confirm)));
  expect(confirmed).toMatchObject({ status: CONFIRMED, ticketCount: 2, paymentReference: "paid" });

  const cancel = { id, userId, requestId: cancelKey };
  const cancelled = await next(async (client) => succeeded(await client.call(cancelBooking, cancel)));
  expect(cancelled).toMatchObject({ status: CANCELLED });

  const other = await next(holdBy("ben", otherKey));
  const release = { id: other.id, userId: "ben" };
  const released = await next(async (client) => succeeded(await client.call(releaseHold, release)));
  expect(released).toMatchObject({ status: RELEASED });

  await inNewProcess(repeat);
  const tickets = await ticketsOf(database, { id: concertId });
  expect(tickets).toEqual({ available: 10, held: 0 });
});
