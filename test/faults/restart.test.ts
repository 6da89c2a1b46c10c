/** Kills and restarts of the service and of its database: what was acknowledged is stored, once. */
import { randomUUID } from "node:crypto";
import type { EmbeddedPostgres } from "@frontrow/embedded-postgres";
import type pg from "pg";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { BookingService } from "../../gen/frontrow/v1/booking_service_pb.ts";
import type { Concert } from "../../gen/frontrow/v1/concert_pb.ts";
import { startEmbeddedDatabase } from "../../src/store/embedded.ts";
import { createDataFolder, type DataFolder } from "../support/database/data-folder.ts";
import { type PostgresProxy, startPostgresProxy } from "../support/database/postgres-proxy.ts";
import { endChildren } from "../support/process/child-process.ts";
import { type OpenProgram, openProgram } from "../support/process/program.ts";
import { createProtocolClient } from "../support/protocols/protocols.ts";
import { testEnvironment } from "../support/service/service.ts";
import { createStage, userId } from "../support/service/stage.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const totalTickets = 10_000;

function book({ baseUrl }: OpenProgram, { id: concertId }: Concert, requestId: string) {
  const client = createProtocolClient("Connect JSON", baseUrl);
  return client.call(BookingService.method.bookTickets, { concertId, userId, ticketCount: 1, requestId });
}

/** Callers that book one ticket after another, and the outcome of each key. */
interface Rush {
  /** The id of the booking, or undefined if the caller did not get one. */
  readonly bookings: Map<string, bigint | undefined>;
  acknowledged(): number;
  /** Resolves when all callers have stopped. */
  stop(): Promise<void>;
}

function startRush(service: OpenProgram, concert: Concert): Rush {
  const bookings = new Map<string, bigint | undefined>();
  let stopped = false;
  const queue = async () => {
    while (!stopped) {
      const key = randomUUID();
      bookings.set(key, undefined);
      const outcome = await book(service, concert, key);
      if (outcome.ok) bookings.set(key, outcome.message.id);
    }
  };
  const callers = Array.from({ length: 8 }, queue);
  return {
    bookings,
    acknowledged: () => [...bookings.values()].filter((id) => id !== undefined).length,
    stop: async () => {
      stopped = true;
      await Promise.all(callers);
    },
  };
}

/** Repeats every key. An acknowledged booking is returned again, another is made now, and no key has two. */
async function expectEachStoredOnce(service: OpenProgram, concert: Concert, rush: Rush): Promise<void> {
  const repeats = [...rush.bookings].map(async ([key, id]) => {
    const outcome = await book(service, concert, key);
    expect(outcome).toMatchObject({ ok: true, ...(id !== undefined && { replayed: "true", message: { id } }) });
  });
  await Promise.all(repeats);
}

async function expectSold(session: pg.Client, concert: Concert, tickets: number): Promise<void> {
  const { rows } = await session.query(
    `SELECT total_tickets - available_tickets AS taken, count(bookings)::int AS bookings
     FROM concerts JOIN bookings ON concert_id = concerts.id WHERE concerts.id = $1 GROUP BY concerts.id`,
    [concert.id],
  );
  expect(rows).toEqual([{ taken: tickets, bookings: tickets }]);
}

describe("a service that is killed in the middle of bookings", () => {
  let folder: DataFolder;
  beforeAll(async () => {
    folder = await createDataFolder();
  });
  afterAll(async () => {
    await endChildren();
    await folder.remove();
  });

  test("has every acknowledged booking after the restart, even if its PostgreSQL was killed too", async () => {
    const { APP_DATABASE_URL: _, ...env } = testEnvironment("");
    const start = () => openProgram({ ...env, APP_DATA_DIR: folder.path });
    let service = await start();
    const concert = await createStage(service.baseUrl).concert({ totalTickets });
    let sold = 0;
    for (const victims of ["service", "service and PostgreSQL"]) {
      const rush = startRush(service, concert);
      await vi.waitFor(() => expect(rush.acknowledged()).toBeGreaterThan(20), { timeout: 20_000, interval: 1 });
      const server = await folder.server();
      const ended = service.stop("SIGKILL");
      if (victims === "service and PostgreSQL" && server) process.kill(server.pid, "SIGKILL");
      await ended;
      await rush.stop();

      service = await start();
      await expectEachStoredOnce(service, concert, rush);
      sold += rush.bookings.size;
      const session = await folder.connect();
      await expectSold(session, concert, sold);
      await session.end();
    }
  });
});

describe("a database elsewhere that goes away and comes back", () => {
  let folder: DataFolder;
  let postgres: EmbeddedPostgres;
  let proxy: PostgresProxy;
  let service: OpenProgram;
  let concert: Concert;

  /** Starts it with the same data on another port. For the service, behind the proxy, it is the same port. */
  async function startDatabase(): Promise<string> {
    // What a crash takes with it must not depend on how soon it comes.
    const settings = { wal_writer_delay: "10s" };
    postgres = await startEmbeddedDatabase({ dataDir: folder.path, settings });
    return postgres.url;
  }

  beforeAll(async () => {
    folder = await createDataFolder();
    const url = await startDatabase();
    proxy = await startPostgresProxy(url);
    service = await openProgram(testEnvironment(proxy.url(url)));
    concert = await createStage(service.baseUrl).concert({ totalTickets });
  });

  afterAll(async () => {
    await endChildren();
    await proxy.close();
    await postgres.stop();
    await folder.remove();
  });

  async function readiness(): Promise<number> {
    return (await fetch(`${service.baseUrl}/readyz`)).status;
  }

  /** Since when the server has kept statistics: a crash resets them. */
  async function statisticsSince(session: pg.Client): Promise<string> {
    return (await session.query("SELECT stats_reset::text AS since FROM pg_stat_bgwriter")).rows[0].since;
  }

  test("fails calls only while it is away", async () => {
    const key = randomUUID();
    const before = await book(service, concert, key);
    await postgres.stop();
    const unavailable = { ok: false, code: "UNAVAILABLE", reason: "DATABASE_UNAVAILABLE", retryDelayMs: 1_000 };
    expect(await book(service, concert, randomUUID())).toMatchObject(unavailable);
    const client = createProtocolClient("gRPC", service.baseUrl);
    expect(await client.call(BookingService.method.getUserBookings, { userId })).toMatchObject(unavailable);
    expect(await readiness()).toBe(200);

    proxy.moveTo(await startDatabase());
    expect(await book(service, concert, key)).toEqual({ ...before, replayed: "true" });
    expect(await client.call(BookingService.method.getUserBookings, { userId })).toMatchObject({ ok: true });
    client.close();
  });

  test("loses no acknowledged booking and doubles none, in a rush", async () => {
    const session = await folder.connect();
    const { rows } = await session.query("SELECT FROM bookings");
    await session.end();
    const rush = startRush(service, concert);
    await vi.waitFor(() => expect(rush.acknowledged()).toBeGreaterThan(20), { timeout: 20_000, interval: 1 });
    await postgres.stop();
    proxy.moveTo(await startDatabase());
    const acknowledged = rush.acknowledged();
    await vi.waitFor(() => expect(rush.acknowledged()).toBeGreaterThan(acknowledged + 20), { timeout: 20_000 });
    await rush.stop();

    await expectEachStoredOnce(service, concert, rush);
    const after = await folder.connect();
    await expectSold(after, concert, rows.length + rush.bookings.size);
    await after.end();
  });

  test("after a crash that lost a transaction, a later one with its id is not mistaken for it", async () => {
    const before = await folder.connect();
    await before.query("CREATE TABLE later (id int)");
    const key = randomUUID();
    const lost = proxy.failNextCommit("undelivered", () => proxy.refuse());
    const answer = book(service, concert, key);
    await lost;
    const lostId = (await before.query("SELECT xmax::text FROM concerts WHERE id = $1", [concert.id])).rows[0].xmax;
    const backend = (await before.query("SELECT pg_backend_pid() AS pid")).rows[0].pid;
    const statistics = await statisticsSince(before);
    // PostgreSQL takes the crash of one process for a crash of all.
    process.kill(backend, "SIGKILL");

    // The server that is about to notice may still let a session in.
    const after = await vi.waitFor(
      async () => {
        const session = await folder.connect();
        if ((await statisticsSince(session)) !== statistics) return session;
        await session.end();
        throw new Error("the server has not restarted yet");
      },
      { timeout: 20_000 },
    );
    let id = 0n;
    while (id < BigInt(lostId)) {
      id = (await after.query("INSERT INTO later VALUES (1) RETURNING pg_current_xact_id()::text AS id")).rows[0].id;
      id = BigInt(id);
    }
    expect(String(id)).toBe(lostId);
    proxy.accept();
    // Its rows are not there, whatever has committed under its id: it is booked anew.
    expect(await answer).toMatchObject({ ok: true, replayed: undefined });
    expect(await book(service, concert, key)).toMatchObject({ ok: true, replayed: "true" });
    await after.end();
  });
});
