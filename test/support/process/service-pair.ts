/** Two service processes that share a database, and a check that both are healthy. */
import { expect, vi } from "vitest";
import { BookingService } from "../../../gen/frontrow/v1/booking_service_pb.ts";
import { ConcertService } from "../../../gen/frontrow/v1/concert_service_pb.ts";
import { sharePool } from "../../../src/store/pool/shares.ts";
import type { TestDatabase } from "../database/database.ts";
import { holdLock } from "../database/locks.ts";
import { tally } from "../protocols/outcomes.ts";
import { createProtocolClient, type Outcome, type Protocol, type ProtocolClient } from "../protocols/protocols.ts";
import { type Settings, testEnvironment } from "../service/service.ts";
import { createConcert, describeConcert } from "../service/stage.ts";
import { type OpenProgram, openProgram } from "./program.ts";

export interface ServicePair {
  readonly services: readonly OpenProgram[];
  /** The clients of each service, one for each protocol. */
  readonly clients: readonly (readonly ProtocolClient[])[];
  /** Fails unless both services book, cancel, use their whole pools and have no session left over. */
  checkWell(database: TestDatabase): Promise<void>;
  /** Ends both. Fails unless they drain and have logged no error. */
  close(): Promise<void>;
}

const protocols: readonly Protocol[] = ["REST", "Connect JSON", "gRPC"];
const connectionsAside = 1;
const drainMs = 10_000;
const wait = { timeout: 10_000, interval: 10 };

/** Starts one service for each URL, with pools of that size. */
export async function startServicePair(
  databaseUrls: readonly string[],
  poolSize: number,
  settings: Settings = {},
): Promise<ServicePair> {
  const all = { APP_DATABASE_POOL_SIZE: String(poolSize), ...settings };
  const services = await Promise.all(databaseUrls.map((url) => openProgram(testEnvironment(url, all))));
  const clients = services.map(({ baseUrl, grpcUrl }) =>
    protocols.map((protocol) => createProtocolClient(protocol, protocol === "gRPC" ? grpcUrl : baseUrl)),
  );
  return {
    services,
    clients,
    checkWell: async (database) => {
      for (const { baseUrl } of services) {
        await vi.waitFor(async () => expect((await fetch(`${baseUrl}/readyz`)).status).toBe(200), wait);
      }
      for (const client of clients.flat()) await checkBooking(client);
      // Several times, since the services' time limits may be shorter than it takes all to meet.
      await vi.waitFor(() => checkWholePools(database, clients, poolSize), wait);
      await vi.waitFor(() => checkSessions(database, services.length * (poolSize + connectionsAside)), wait);
    },
    close: async () => {
      for (const client of clients.flat()) client.close();
      const codes = await Promise.all(services.map(stop));
      expect(codes, "every process drains and ends well").toEqual(codes.map(() => 0));
      const errors = services.flatMap(({ lines }) => lines.filter((line) => /"level":"(error|fatal)"/.test(line)));
      expect(errors).toEqual([]);
    },
  };
}

/** Lets it drain, and kills it after a limit. */
async function stop(service: OpenProgram): Promise<number | null> {
  const timer = setTimeout(() => void service.stop("SIGKILL"), drainMs);
  return await service.stop().finally(() => clearTimeout(timer));
}

/** One booking and its cancel. */
async function checkBooking(client: ProtocolClient): Promise<void> {
  const { id: concertId } = await createConcert(client);
  const booked = await client.call(BookingService.method.bookTickets, { concertId, userId: "eve", ticketCount: 1 });
  expect(booked).toMatchObject({ ok: true });
  if (!booked.ok) return;
  const { id } = booked.message;
  expect(await client.call(BookingService.method.cancelBooking, { id, userId: "eve" })).toMatchObject({ ok: true });
}

/**
 * Checks that every connection of every pool can be used, all at once: those for batches by bookings of as many concerts,
 * the others by updates of other concerts. Each call waits for a lock of the test until all do.
 */
async function checkWholePools(
  database: TestDatabase,
  clients: readonly (readonly ProtocolClient[])[],
  poolSize: number,
): Promise<void> {
  const batches = sharePool(poolSize).batches;
  const places = await Promise.all(
    clients.flatMap(([client]) =>
      Array.from({ length: client ? poolSize : 0 }, async (_, place) => {
        if (!client) throw new Error("there is no client");
        return { client, place, concert: await createConcert(client) };
      }),
    ),
  );
  const ids = places.map(({ concert }) => concert.id);
  const held = await holdLock(database, "SELECT FROM concerts WHERE id = ANY ($1) ORDER BY id FOR UPDATE", [ids]);
  const calls = places.map(({ client, place, concert: { id, version } }): Promise<Outcome<unknown>> => {
    return place < batches
      ? client.call(BookingService.method.bookTickets, { concertId: id, userId: "eve", ticketCount: 1 })
      : client.call(ConcertService.method.updateConcert, { id, version, ...describeConcert({ totalTickets: 50 }) });
  });
  const tooSoon = Promise.race(calls).then((outcome) => expect(outcome, "all meet before any ends").toBeUndefined());
  try {
    await Promise.race([held.untilWaiting(places.length), tooSoon]);
  } finally {
    await held.release();
  }
  expect(tally(await Promise.all(calls))).toEqual({ OK: places.length });
}

/** Checks that no session of the services is left over, and none is still in a transaction. */
async function checkSessions(database: TestDatabase, atMost: number): Promise<void> {
  const sessions = await database.query<{ state: string }>(
    "SELECT state FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'frontrow'",
  );
  expect(sessions.length).toBeLessThanOrEqual(atMost);
  expect(sessions.filter(({ state }) => state.startsWith("idle in transaction"))).toEqual([]);
}
