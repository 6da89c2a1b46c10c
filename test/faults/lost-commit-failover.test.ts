/** A COMMIT whose response is lost, and a server that then has another history, or is a standby. */
import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { BookingService } from "../../gen/frontrow/v1/booking_service_pb.ts";
import type { Concert } from "../../gen/frontrow/v1/concert_pb.ts";
import { ConcertService } from "../../gen/frontrow/v1/concert_service_pb.ts";
import { type OwnServer, startOwnServer } from "../support/database/own-server.ts";
import { type PostgresProxy, startPostgresProxy } from "../support/database/postgres-proxy.ts";
import { createProtocolClient, type Outcome, type ProtocolClient } from "../support/protocols/protocols.ts";
import { startTestService, type TestService } from "../support/service/service.ts";
import { createStage, insertConcerts, moonlight, type Stage, userId } from "../support/service/stage.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let server: OwnServer;
let proxy: PostgresProxy;
let service: TestService;
let client: ProtocolClient;
let stage: Stage;

beforeAll(async () => {
  // A crash loses what has been committed since the last checkpoint, as a failover to a lagging replica does.
  server = await startOwnServer({ synchronous_commit: "off", wal_writer_delay: "10s" });
  proxy = await startPostgresProxy(server.database.url);
  service = await startTestService({}, { ...server.database, url: proxy.url(server.database.url) });
  client = createProtocolClient("Connect JSON", service.baseUrl);
  stage = createStage(service.baseUrl);
});
afterAll(async () => {
  client?.close();
  await service?.close();
  await proxy?.close();
  await server?.close();
});

interface Write {
  call(): Promise<Outcome<unknown>>;
  /** How often it is stored. */
  readonly stored: string;
}

/** A write of each kind that a lost COMMIT can concern. */
const writes: Record<string, (concert: Concert, requestId: string) => Write> = {
  "a creation": (_, requestId) => ({
    call: () => client.call(ConcertService.method.createConcert, { ...moonlight, name: requestId, requestId }),
    stored: `SELECT FROM concerts JOIN concert_requests ON concert_id = id
      WHERE name = '${requestId}' AND request_id = '${requestId}'`,
  }),
  "an update": ({ id }, name) => ({
    call: () => client.call(ConcertService.method.updateConcert, { ...moonlight, id, name, version: 1 }),
    stored: `SELECT FROM concerts WHERE id = ${id} AND name = '${name}' AND version = 2`,
  }),
  "a booking": ({ id: concertId }, requestId) => ({
    call: () => client.call(BookingService.method.bookTickets, { concertId, userId, ticketCount: 2, requestId }),
    stored: `SELECT FROM bookings WHERE concert_id = ${concertId} AND request_id = '${requestId}'`,
  }),
  "a hold": ({ id: concertId }, requestId) => ({
    call: () => client.call(BookingService.method.holdTickets, { concertId, userId, ticketCount: 2, requestId }),
    stored: `SELECT FROM bookings WHERE concert_id = ${concertId} AND request_id = '${requestId}' AND status = 'held'`,
  }),
};

const countOf = async ({ stored }: Write) => (await server.database.query(stored)).length;

let concert: Concert;
beforeEach(async () => {
  concert = await stage.concert();
  await server.database.query("CHECKPOINT");
});

/** A call whose COMMIT has succeeded without a response. The database is out of reach from the same instant on. */
async function loseCommit(write: Write): Promise<{ readonly answer: Promise<Outcome<unknown>> }> {
  const lost = proxy.failNextCommit("answer lost", () => proxy.refuse());
  const answer = write.call();
  await lost;
  return { answer };
}

/** The service reaches the server again, on its new port. */
function reconnect(): void {
  proxy.moveTo(server.database.url);
  proxy.accept();
}

describe.each(Object.entries(writes))("%s whose COMMIT succeeded without a response", (_, prepare) => {
  test("is repeated exactly once on a server that has lost it and assigns its ids again", async () => {
    const write = prepare(concert, randomUUID());
    const commitsBefore = proxy.commits;
    const { answer } = await loseCommit(write);
    await server.restart("immediate", async () => {});
    expect(await countOf(write)).toBe(0);
    await insertConcerts(server.database);
    reconnect();
    expect(await answer).toMatchObject({ ok: true, replayed: undefined });
    expect(await countOf(write)).toBe(1);
    expect(proxy.commits - commitsBefore).toBe(2);
  });

  test("is not repeated on a server that has it", async () => {
    const write = prepare(concert, randomUUID());
    const commitsBefore = proxy.commits;
    const { answer } = await loseCommit(write);
    await server.restart("fast", async () => {});
    reconnect();
    expect(await answer).toMatchObject({ ok: true, replayed: undefined });
    expect(await countOf(write)).toBe(1);
    expect(proxy.commits - commitsBefore).toBe(1);
  });
});

test("on a standby, which may still receive them, the outcomes of lost COMMITs are unknown", async () => {
  // Each of another concert: batches of one concert wait for one another.
  const concerts = await Promise.all(Object.keys(writes).map(() => stage.concert()));
  const lost = Object.values(writes).map((prepare, index) => prepare(concerts[index] ?? concert, randomUUID()));
  // All of them have committed before the database is gone, so that one wait is enough for all.
  const held = lost.map(() => proxy.failNextCommit("answer held"));
  const answers = lost.map(({ call }) => call());
  await Promise.all(held);
  proxy.refuse();
  const [row] = await server.database.query<{ folder: string }>("SELECT current_setting('data_directory') AS folder");
  await server.restart("fast", () => writeFile(join(row?.folder ?? "", "standby.signal"), ""));
  expect(await server.database.query("SELECT pg_is_in_recovery() AS standby")).toEqual([{ standby: true }]);
  reconnect();
  for (const answer of answers) expect(await answer).toMatchObject({ ok: false, reason: "OUTCOME_UNKNOWN" });
  await server.database.query("SELECT pg_promote()");
  for (const write of lost) expect(await countOf(write)).toBe(1);
});
