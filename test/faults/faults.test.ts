/** A crowd books and cancels on two service processes while their database fails in many ways. */
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { BookingService } from "../../gen/frontrow/v1/booking_service_pb.ts";
import { ConcertService } from "../../gen/frontrow/v1/concert_service_pb.ts";
import { checkAccounts } from "../support/booking/accounts.ts";
import { type Crowd, startCrowd } from "../support/booking/crowd.ts";
import { createTestDatabase, type TestDatabase } from "../support/database/database.ts";
import { type HeldLock, holdConcert, holdLock } from "../support/database/locks.ts";
import { startOwnServer } from "../support/database/own-server.ts";
import { type CommitFault, type PostgresProxy, startPostgresProxy } from "../support/database/postgres-proxy.ts";
import { type ServicePair, startServicePair } from "../support/process/service-pair.ts";
import type { ProtocolClient } from "../support/protocols/protocols.ts";
import type { Settings } from "../support/service/service.ts";
import { createConcert, describeConcert } from "../support/service/stage.ts";

const wait = { timeout: 10_000, interval: 2 };

/** What a fault may read and change. */
interface Scene {
  readonly database: TestDatabase;
  readonly crowd: Crowd;
  /** The concert that most of the crowd comes for. */
  readonly hotConcert: bigint;
  /** A client of each service. */
  readonly clients: readonly ProtocolClient[];
}

async function newDatabase(): Promise<TestDatabase> {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  return database;
}

/** Some of the crowd's holds are left to themselves, so that a user has many. */
const ofCrowd: Settings = { APP_REQUEST_TIMEOUT: "5s", APP_MAX_HOLDS_PER_USER: "100" };

/** A proxy for each service. */
async function startProxies(database: TestDatabase): Promise<PostgresProxy[]> {
  const proxies = await Promise.all([startPostgresProxy(database.url), startPostgresProxy(database.url)]);
  onTestFinished(() => Promise.all(proxies.map((proxy) => proxy.close())).then(() => {}));
  return proxies;
}

interface LoadOptions {
  readonly poolSize?: number;
  readonly settings?: Settings;
  /** By which each service comes to the database, if not directly. */
  readonly proxies?: readonly PostgresProxy[];
}

/** Causes a fault while a crowd books. Checks that the services recover, and that the database has what was acknowledged. */
async function underLoad(
  database: TestDatabase,
  { poolSize = 5, settings = {}, proxies }: LoadOptions,
  fault: (scene: Scene) => Promise<void>,
): Promise<void> {
  const urls = proxies?.map((proxy) => proxy.url(database.url)) ?? [database.url, database.url];
  const pair = await startServicePair(urls, poolSize, { ...ofCrowd, ...settings });
  onTestFinished(() => pair.close());
  await failUnderLoad(database, pair, fault);
  await pair.checkWell(database);
}

async function failUnderLoad(
  database: TestDatabase,
  { clients }: ServicePair,
  fault: (scene: Scene) => Promise<void>,
): Promise<void> {
  const firstClients = clients.flatMap(([client]) => client ?? []);
  const [client] = firstClients;
  if (!client) throw new Error("there is no service");
  const { id: hotConcert } = await createConcert(client, { totalTickets: 100_000 });
  const { id: scarceConcert } = await createConcert(client, { totalTickets: 40 });
  const crowd = startCrowd(clients, [
    { concertId: hotConcert, returnsAll: false },
    { concertId: hotConcert, returnsAll: false },
    { concertId: scarceConcert, returnsAll: true },
  ]);
  try {
    await crowd.untilGranted(100);
    await fault({ database, crowd, hotConcert, clients: firstClients });
    await crowd.untilGranted(200);
  } finally {
    await crowd.goHome();
  }
  await checkAccounts(database, crowd.wishes);
  await database.checkInvariants();
}

async function whileHeld(held: HeldLock, work: () => Promise<void>): Promise<void> {
  await work().finally(() => held.release());
}

/** Ends sessions of the services and returns how many. */
async function terminate(database: TestDatabase, which = "true"): Promise<number> {
  const ended = await database.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = current_database() AND application_name = 'frontrow' AND ${which}`,
  );
  return ended.length;
}

describe("sessions that are terminated", () => {
  test.each([
    { where: "before a batch has the concert", statement: "SELECT FROM concerts WHERE id = $1 FOR UPDATE" },
    { where: "in the middle of a batch's writes", statement: "LOCK TABLE bookings IN SHARE MODE" },
  ])("$where", async ({ statement }) => {
    await underLoad(await newDatabase(), {}, async ({ database, crowd, hotConcert }) => {
      for (let round = 0; round < 3; round++) {
        await crowd.untilGranted(50);
        const held = await holdLock(database, statement, statement.includes("$1") ? [hotConcert] : []);
        const [holder] = await held.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
        const isBlocked = `wait_event_type = 'Lock' AND ${holder?.pid} = ANY (pg_blocking_pids(pid))`;
        const terminateBlocked = async () => expect(await terminate(database, isBlocked)).toBeGreaterThan(0);
        await whileHeld(held, async () => {
          // More often than a batch is repeated: some of its callers have to repeat it themselves.
          for (let blow = 0; blow < 10; blow++) await vi.waitFor(terminateBlocked, wait);
        });
      }
    });
  });

  test("all of them, at any moment", async () => {
    await underLoad(await newDatabase(), {}, async ({ database, crowd }) => {
      for (let blow = 0; blow < 20; blow++) {
        await crowd.untilGranted(30);
        expect(await terminate(database)).toBeGreaterThan(0);
      }
    });
  });
});

test("a server that restarts, in order and after a crash", { timeout: 60_000 }, async () => {
  const server = await startOwnServer();
  onTestFinished(() => server.close());
  const proxies = await startProxies(server.database);
  await underLoad(server.database, { proxies }, async ({ crowd }) => {
    for (const mode of ["fast", "immediate", "fast", "immediate"] as const) {
      await crowd.untilGranted(100);
      await server.restart(mode, () => crowd.untilRefused("DATABASE_UNAVAILABLE", 5));
      for (const proxy of proxies) proxy.moveTo(server.database.url);
    }
  });
});

describe("pools of which every connection is busy", () => {
  const patience = { APP_LOCK_TIMEOUT: "25s", APP_STATEMENT_TIMEOUT: "25s" };
  const update = (client: ProtocolClient, id: bigint) =>
    client.call(ConcertService.method.updateConcert, { id, version: 1, ...describeConcert() });

  /** Two concerts for each service, and a lock on all of them, for as long as the test likes. */
  async function holdConcerts({ database, clients }: Scene) {
    const concerts = await Promise.all([...clients, ...clients].map((client) => createConcert(client)));
    const ids = concerts.map(({ id }) => id);
    const held = await holdLock(database, "SELECT FROM concerts WHERE id = ANY ($1) FOR UPDATE", [ids]);
    const pairs = clients.map((client, index) => ({ client, ids: ids.slice(index * 2, index * 2 + 2) }));
    return { held, pairs };
  }

  test("by a batch and an update: other bookings wait in their queues", async () => {
    const settings = { ...patience, APP_REQUEST_TIMEOUT: "1s" };
    await underLoad(await newDatabase(), { poolSize: 2, settings }, async (scene) => {
      const { held, pairs } = await holdConcerts(scene);
      const calls = pairs.flatMap(({ client, ids: [concertId = 0n, id = 0n] }) => [
        client.call(BookingService.method.bookTickets, { concertId, userId: "eve", ticketCount: 1 }),
        update(client, id),
      ]);
      await whileHeld(held, () => scene.crowd.untilRefused("DEADLINE_EXCEEDED", 60));
      for (const outcome of await Promise.all(calls)) expect(outcome).toMatchObject({ reason: "DEADLINE_EXCEEDED" });
    });
  });

  test("by updates: the batches wait for a connection, within a limit", async () => {
    const settings = { ...patience, APP_REQUEST_TIMEOUT: "25s" };
    await underLoad(await newDatabase(), { poolSize: 2, settings }, async (scene) => {
      const { held, pairs } = await holdConcerts(scene);
      const updates = pairs.flatMap(({ client, ids }) => ids.map((id) => update(client, id)));
      // A batch of them, which may be a small one.
      await whileHeld(held, () => scene.crowd.untilRefused("OVERLOADED", 1));
      for (const outcome of await Promise.all(updates)) expect(outcome).toMatchObject({ ok: true });
    });
  });
});

describe("a concert whose row another session has locked", () => {
  test.each([
    { longerThan: "callers wait", reason: "DEADLINE_EXCEEDED", requestTimeout: "1s", lockTimeout: "25s" },
    { longerThan: "a batch waits", reason: "OVERLOADED", requestTimeout: "25s", lockTimeout: "500ms" },
  ])("longer than $longerThan", async ({ reason, requestTimeout, lockTimeout }) => {
    const settings = {
      ...{ APP_REQUEST_TIMEOUT: requestTimeout, APP_LOCK_TIMEOUT: lockTimeout },
      ...{ APP_STATEMENT_TIMEOUT: "25s", APP_MAX_RETRIES: "0" },
    };
    await underLoad(await newDatabase(), { settings }, async ({ database, crowd, hotConcert }) => {
      const held = await holdConcert(database, hotConcert);
      await whileHeld(held, () => crowd.untilRefused(reason, 10));
    });
  });
});

test("connections that are cut around COMMIT", async () => {
  const database = await newDatabase();
  const proxies = await startProxies(database);
  const faults: readonly CommitFault[] = ["answer lost", "undelivered", "client cut"];
  await underLoad(database, { proxies }, async ({ crowd }) => {
    for (let round = 0; round < 10; round++) {
      await crowd.untilGranted(20);
      // One COMMIT after the other at first, then several on end.
      const copies = round < 7 ? 1 : 3;
      const all = proxies.flatMap((proxy) =>
        faults.flatMap((fault) => Array.from({ length: copies }, () => proxy.failNextCommit(fault))),
      );
      await Promise.all(all);
    }
  });
});
