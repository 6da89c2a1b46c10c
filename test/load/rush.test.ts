/** The requirement's two rushes over the network, on one service process and on two that share a database. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BookingService } from "../../gen/frontrow/v1/booking_service_pb.ts";
import { fields, rateLimits } from "../../src/config/schema.ts";
import { createTestDatabase, type TestDatabase } from "../support/database/database.ts";
import { holdConcert } from "../support/database/locks.ts";
import { type OpenProgram, openProgram } from "../support/process/program.ts";
import { tally } from "../support/protocols/outcomes.ts";
import { createProtocolClient, type Protocol, type ProtocolClient } from "../support/protocols/protocols.ts";
import { testEnvironment } from "../support/service/service.ts";
import { createConcert } from "../support/service/stage.ts";

const protocols: readonly Protocol[] = ["REST", "Connect JSON", "gRPC"];

/** The default limits, which an honest crowd must not reach. */
const defaultLimits = Object.fromEntries(
  [rateLimits.reads, rateLimits.bookings, rateLimits.admin, fields.maxUnfinishedPerCaller].map(
    ({ environmentName, defaultText }) => [environmentName, String(defaultText)],
  ),
);

describe.each([{ processCount: 1 }, { processCount: 2 }])(
  "on $processCount service process(es)",
  ({ processCount }) => {
    let database: TestDatabase;
    let services: OpenProgram[];

    beforeAll(async () => {
      database = await createTestDatabase();
      const environment = testEnvironment(database.url, defaultLimits);
      services = await Promise.all(Array.from({ length: processCount }, () => openProgram(environment)));
    });
    afterAll(async () => {
      const codes = await Promise.all((services ?? []).map((service) => service.stop()));
      await database?.drop();
      expect(codes, "every process drains and ends well").toEqual(codes.map(() => 0));
    });

    describe.each(protocols)("by %s", (protocol) => {
      test.each([
        { users: 500, tickets: 1_000, expected: { OK: 500 } },
        { users: 40, tickets: 20, expected: { OK: 20, INSUFFICIENT_TICKETS: 20 } },
      ])("$users users at once book $tickets tickets", async ({ users, tickets, expected }) => {
        const clients = services.map(({ baseUrl, grpcUrl }) =>
          createProtocolClient(protocol, protocol === "gRPC" ? grpcUrl : baseUrl),
        );
        const outcomes = await rush(database, clients, users, tickets);
        for (const client of clients) client.close();

        expect(tally(outcomes.map(({ outcome }) => outcome))).toEqual(expected);
      });
    });
  },
);

/** Every user books one ticket, all at once. Checks that the database has what was acknowledged. */
async function rush(database: TestDatabase, clients: ProtocolClient[], users: number, tickets: number) {
  const [client] = clients;
  if (!client) throw new Error("there is no service");
  const { id: concertId } = await createConcert(client, { totalTickets: tickets });
  // The starting gun: while the test holds the concert, each service's first batch waits for it, and the calls queue
  // behind that.
  const gun = await holdConcert(database, concertId);
  const calls = Array.from({ length: users }, async (_, index) => {
    const userId = `user-${index}`;
    const caller = clients[index % clients.length] ?? client;
    const outcome = await caller.call(BookingService.method.bookTickets, { concertId, userId, ticketCount: 1 });
    return { userId, outcome };
  });
  await gun.untilWaiting(clients.length);
  await gun.release();
  const outcomes = await Promise.all(calls);

  const acknowledged = outcomes.flatMap(({ userId, outcome }) =>
    outcome.ok ? [{ id: String(outcome.message.id), user_id: userId, ticket_count: 1, status: "confirmed" }] : [],
  );
  const stored = await database.query<{ user_id: string }>(
    "SELECT id::text, user_id, ticket_count, status FROM bookings WHERE concert_id = $1 ORDER BY bookings.id",
    [concertId],
  );
  expect(stored).toEqual(acknowledged.toSorted((a, b) => Number(a.id) - Number(b.id)));
  expect(new Set(stored.map((row) => row.user_id)).size, "one booking a user").toBe(stored.length);
  expect(await database.query("SELECT available_tickets FROM concerts WHERE id = $1", [concertId])).toEqual([
    { available_tickets: tickets - stored.length },
  ]);
  await database.checkInvariants();
  return outcomes;
}
