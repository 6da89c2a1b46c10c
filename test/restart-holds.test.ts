/** A process that is killed after each step of a hold's life: the next process has what was acknowledged, and goes on. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BookingStatus } from "../gen/frontrow/v1/booking_pb.ts";
import { BookingService } from "../gen/frontrow/v1/booking_service_pb.ts";
import { createTestDatabase, type TestDatabase } from "./support/database/database.ts";
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

/** Sends a call to a new process, kills the process when it has answered, and repeats the call to the next. */
async function acrossKills<Message>(call: (client: ProtocolClient) => Promise<Message>): Promise<[Message, Message]> {
  const once = async () => {
    const program = await openProgram(testEnvironment(database.url));
    try {
      return await call(createProtocolClient("Connect JSON", program.baseUrl));
    } finally {
      await program.stop("SIGKILL");
    }
  };
  return [await once(), await once()];
}

test("holds, extends, confirms, cancels and releases across kills", { timeout: 120_000 }, async () => {
  let concertId = 0n;
  const holdBy = (userId: string, requestId: string) => async (client: ProtocolClient) => {
    concertId ||= (await createConcert(client, { totalTickets: 10 })).id;
    return succeeded(await client.call(holdTickets, { concertId, userId, ticketCount: 3, requestId }));
  };
  const [held, heldAgain] = await acrossKills(holdBy("ann", holdKey));
  expect(held).toMatchObject({ status: HELD, ticketCount: 3 });
  expect(heldAgain).toEqual(held);

  const { id, userId } = held;
  const extended = await acrossKills(async (client) =>
    succeeded(await client.call(extendHold, { id, userId, ttl: { seconds: 1_800n } })),
  );
  expect(extended).toMatchObject([{ status: HELD }, { status: HELD }]);
  expect(extended[0].holdExpiresTime?.seconds).toBeGreaterThan(held.holdExpiresTime?.seconds ?? 0n);

  const confirm = { id, userId, ticketCount: 2, paymentReference: "paid" };
  const [confirmed, confirmedAgain] = await acrossKills(async (client) =>
    succeeded(await client.call(confirmHold, confirm)),
  );
  expect(confirmed).toMatchObject({ status: CONFIRMED, ticketCount: 2, paymentReference: "paid" });
  expect(confirmedAgain).toEqual(confirmed);

  const [cancelled, cancelledAgain] = await acrossKills(async (client) =>
    succeeded(await client.call(cancelBooking, { id, userId, requestId: cancelKey })),
  );
  expect(cancelled).toMatchObject({ status: CANCELLED });
  expect(cancelledAgain).toEqual(cancelled);

  const [other] = await acrossKills(holdBy("ben", otherKey));
  const [released, releasedAgain] = await acrossKills(async (client) =>
    succeeded(await client.call(releaseHold, { id: other.id, userId: "ben" })),
  );
  expect(released).toMatchObject({ status: RELEASED });
  expect(releasedAgain).toEqual(released);
  const [concert] = await database.query("SELECT available_tickets, held_tickets FROM concerts WHERE id = $1", [
    concertId,
  ]);
  expect(concert).toEqual({ available_tickets: 10, held_tickets: 0 });
});
