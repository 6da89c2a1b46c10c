/** Calls for holds that meet at one concert, from all protocols, in one process and between processes. */
import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { BookingService } from "../gen/frontrow/v1/booking_service_pb.ts";
import { ConcertService } from "../gen/frontrow/v1/concert_service_pb.ts";
import { createTestDatabase, type TestDatabase } from "./support/database/database.ts";
import { ticketsOf } from "./support/database/holds.ts";
import { meetAtConcert, patientSettings } from "./support/database/locks.ts";
import { tally, verdict } from "./support/protocols/outcomes.ts";
import {
  createProtocolClient,
  type Outcome,
  type Protocol,
  type ProtocolClient,
} from "./support/protocols/protocols.ts";
import { startTestServices, type TestService } from "./support/service/service.ts";
import { createConcert, describeConcert } from "./support/service/stage.ts";

const { bookTickets, holdTickets } = BookingService.method;
const { updateConcert } = ConcertService.method;
const protocols: readonly Protocol[] = ["REST", "gRPC", "Connect JSON", "gRPC-Web"];

describe.each([
  { where: "in one process", processCount: 1 },
  { where: "between processes", processCount: protocols.length },
])("$where", ({ processCount }) => {
  let database: TestDatabase;
  let services: TestService[];
  let clients: ProtocolClient[];

  beforeAll(async () => {
    database = await createTestDatabase();
    services = await startTestServices(processCount, database, patientSettings);
    clients = protocols.map((protocol, turn) =>
      createProtocolClient(protocol, services[turn % processCount]?.baseUrl ?? ""),
    );
  });
  afterEach(() => database.checkInvariants().finally(() => database.clear()));
  afterAll(async () => {
    for (const each of clients) each.close();
    await Promise.all(services.map((service) => service.close()));
    await database.drop();
  });

  function client(turn = 0): ProtocolClient {
    const chosen = clients[turn % clients.length];
    if (!chosen) throw new Error("there is no client");
    return chosen;
  }

  function hold(concertId: bigint, userId: string, by = client()) {
    return by.call(holdTickets, { concertId, userId, ticketCount: 2, requestId: randomUUID() });
  }

  function meetFromAllSides(concertId: bigint, call: (by: ProtocolClient, turn: number) => Promise<Outcome<unknown>>) {
    const calls = clients.map((by, turn) => () => call(by, turn));
    return meetAtConcert(database, services, concertId, calls);
  }

  test("the last tickets are held for one of many users", async () => {
    const { id } = await createConcert(client(), { totalTickets: 3 });
    const outcomes = await meetFromAllSides(id, (by, turn) => hold(id, `user-${turn}`, by));
    expect(tally(outcomes)).toEqual({ OK: 1, INSUFFICIENT_TICKETS: protocols.length - 1 });
    expect(await ticketsOf(database, { id })).toEqual({ available: 1, held: 2 });
  });

  test("a total below the tickets sold and held is rejected, with both numbers", async () => {
    const concert = await createConcert(client(), { totalTickets: 10 });
    const changeTotal = (totalTickets: number) => () =>
      client(1).call(updateConcert, { id: concert.id, version: concert.version, ...describeConcert({ totalTickets }) });
    const book = () => client().call(bookTickets, { concertId: concert.id, userId: "ben", ticketCount: 3 });
    const [booked] = await meetAtConcert(database, services, concert.id, [book]);
    const calls: (() => Promise<Outcome<unknown>>)[] = [() => hold(concert.id, "ann"), changeTotal(4)];
    const outcomes = await meetAtConcert(database, services, concert.id, calls);
    expect([booked, ...outcomes].map((outcome) => outcome && verdict(outcome))).toEqual([
      ...["OK", "OK", "TOTAL_BELOW_SOLD"],
    ]);
    expect(outcomes[1]).toMatchObject({ metadata: { sold: "3", held: "2" } });
    expect(verdict(await changeTotal(5)())).toBe("OK");
    expect(await ticketsOf(database, concert)).toEqual({ available: 0, held: 2 });
  });
});
