/** Several processes behind the same ports: they serve as one does, and start, fail and stop together. */
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { freePort } from "@frontrow/embedded-postgres";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { BookingService } from "../gen/frontrow/v1/booking_service_pb.ts";
import { ConcertService } from "../gen/frontrow/v1/concert_service_pb.ts";
import { createDataFolder, type DataFolder } from "./support/database/data-folder.ts";
import { createTestDatabase, type TestDatabase } from "./support/database/database.ts";
import { holdConcert } from "./support/database/locks.ts";
import { endChildren } from "./support/process/child-process.ts";
import { openProgram, startProgram } from "./support/process/program.ts";
import { isThere, workerPids } from "./support/process/worker-pids.ts";
import { createProtocolClient, protocols } from "./support/protocols/protocols.ts";
import { type Settings, testEnvironment } from "./support/service/service.ts";
import { createStage } from "./support/service/stage.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const wait = { timeout: 20_000, interval: 10 };

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(async () => {
  await endChildren();
  await database.drop();
});

const environment = (settings: Settings = {}) => testEnvironment(database.url, { APP_WORKERS: "2", ...settings });
const open = (settings: Settings = {}) => openProgram(environment(settings), [], { logLevel: "debug" });

/** A call over a new connection, which the primary passes to the next worker. */
function callAnew(url: string, init: RequestInit = {}): Promise<Response> {
  return fetch(url, { ...init, headers: { Connection: "close", "Content-Type": "application/json", ...init.headers } });
}

describe("two workers", () => {
  test("serve every protocol on both ports, and the start prints once what one process prints", async () => {
    await using service = await open();
    const stage = createStage(service.baseUrl);
    const { id } = await stage.concert();
    for (const protocol of protocols) {
      for (const url of [service.baseUrl, service.grpcUrl]) {
        const client = createProtocolClient(protocol, url);
        const outcome = await client.call(ConcertService.method.getConcert, { id });
        expect(outcome, `${protocol} at ${url}`).toMatchObject({ ok: true, message: { id } });
        client.close();
      }
    }
    for (let call = 0; call < 4; call++) await callAnew(`${service.baseUrl}/api/v1/concerts`);
    const calls = service.lines.filter((line) => line.includes('"msg":"call"')).map((line) => JSON.parse(line).worker);
    expect(new Set(calls)).toEqual(new Set([1, 2]));
    for (const text of ["the database is up to date", "Frontrow is open", "try: curl"]) {
      expect(service.lines.filter((line) => line.includes(text))).toHaveLength(1);
    }
    expect(service.output()).toContain('"workers":2');
    expect(await service.stop()).toBe(0);
    for (const text of ["draining", "closed"]) {
      expect(service.lines.filter((line) => line.includes(`"msg":"${text}"`))).toHaveLength(1);
    }
    expect(workerPids(service).filter(isThere)).toEqual([]);
  });

  test("share the connections of the pool", async () => {
    await using service = await open({ APP_DATABASE_POOL_SIZE: "7" });
    const stage = createStage(service.baseUrl);
    const concerts = await Promise.all(Array.from({ length: 12 }, () => stage.concert()));
    const book = ({ id }: { readonly id: bigint }) =>
      callAnew(`${service.baseUrl}/api/v1/bookings`, {
        method: "POST",
        body: JSON.stringify({ concert_id: String(id), user_id: "nora", ticket_count: 1 }),
      });
    const answers = await Promise.all(concerts.map(book));
    expect(answers.map(({ status }) => status)).toEqual(concerts.map(() => 201));
    const [row] = await database.query<{ sessions: number }>(
      `SELECT count(*)::int AS sessions FROM pg_stat_activity
       WHERE datname = current_database() AND application_name = 'frontrow'`,
    );
    // Three of each worker's pool, and two beside it.
    expect(row?.sessions).toBeLessThanOrEqual(2 * (3 + 2));
  });
});

describe("a worker that ends", () => {
  test("is replaced behind the same ports, and the others serve meanwhile", async () => {
    const port = await freePort();
    await using service = await open({ APP_REST_PORT: String(port) });
    const [first = 0] = workerPids(service);
    const ended = service.nextLine("a worker process ended: another one is started");
    process.kill(first, "SIGKILL");
    expect(JSON.parse(await ended)).toMatchObject({ level: "error", signal: "SIGKILL", restart_ms: 100 });
    expect((await callAnew(`${service.baseUrl}/api/v1/concerts`)).status).toBe(200);
    await vi.waitFor(() => expect(workerPids(service)).toHaveLength(3), wait);
    for (let call = 0; call < 4; call++) expect((await callAnew(`${service.baseUrl}/readyz`)).status).toBe(200);
    expect(await service.stop()).toBe(0);
  });

  test("all of them at once are replaced too", async () => {
    const port = await freePort();
    await using service = await open({ APP_REST_PORT: String(port) });
    for (const pid of workerPids(service)) process.kill(pid, "SIGKILL");
    await vi.waitFor(() => expect(workerPids(service)).toHaveLength(4), wait);
    expect((await callAnew(`${service.baseUrl}/api/v1/concerts`)).status).toBe(200);
    expect(await service.stop()).toBe(0);
  });

  test("again and again ends the service with the reason", async () => {
    await using service = await open();
    const killed = new Set<number>();
    while (service.isRunning()) {
      for (const pid of workerPids(service).filter((pid) => !killed.has(pid))) {
        killed.add(pid);
        if (isThere(pid)) process.kill(pid, "SIGKILL");
      }
      await delay(5);
    }
    expect(await service.ended).toBe(1);
    expect(service.output()).toMatch(
      /"level":"fatal".*worker processes end again and again, the last one so: a worker process ended \(SIGKILL\)/,
    );
    expect([...killed].filter(isThere)).toEqual([]);
  });
});

describe("the end of the primary", () => {
  test("by a signal lets the calls in flight of every worker finish, also if the whole group gets the signal", async () => {
    await using service = await open({ APP_STATEMENT_TIMEOUT: "30s", APP_LOCK_TIMEOUT: "30s" });
    const stage = createStage(service.baseUrl);
    const concerts = await Promise.all([stage.concert(), stage.concert()]);
    const held = await Promise.all(concerts.map(({ id }) => holdConcert(database, id)));
    const answers = concerts.flatMap(({ id }) =>
      Array.from({ length: 4 }, (_, user) =>
        callAnew(`${service.baseUrl}/api/v1/bookings`, {
          method: "POST",
          body: JSON.stringify({ concert_id: String(id), user_id: `user ${user}`, ticket_count: 1 }),
        }),
      ),
    );
    for (const lock of held) await lock.untilInTheWay();
    const draining = [1, 2].map((worker) => service.line(`"worker":${worker},"state":"draining"`));
    service.signal("SIGTERM");
    await Promise.all(draining);
    for (const lock of held) await lock.release();
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(answers.map(() => 201));
    expect(await service.ended).toBe(0);
    expect(service.output()).toContain('"msg":"closed"');
  });

  test("by a signal serves new calls with readiness down on every worker for APP_SHUTDOWN_DELAY", async () => {
    await using service = await open({ APP_SHUTDOWN_DELAY: "3s" });
    const draining = [1, 2].map((worker) => service.line(`"worker":${worker},"state":"draining"`));
    service.signal("SIGTERM");
    await Promise.all(draining);
    const statuses = ["/readyz", "/readyz", "/readyz", "/readyz", "/livez"].map(
      async (path) => (await callAnew(`${service.baseUrl}${path}`)).status,
    );
    expect(await Promise.all(statuses)).toEqual([503, 503, 503, 503, 200]);
    expect(await service.ended).toBe(0);
  });

  test("by SIGKILL ends its workers, so that none serves without it", async () => {
    await using service = await open();
    process.kill(service.pid, "SIGKILL");
    await vi.waitFor(() => expect(workerPids(service).filter(isThere)).toEqual([]), wait);
    await expect(callAnew(`${service.baseUrl}/livez`)).rejects.toThrow();
  });
});

describe("with the embedded database", () => {
  let folder: DataFolder;
  let env: Record<string, string>;
  beforeEach(async () => {
    folder = await createDataFolder();
    const { APP_DATABASE_URL: _, ...rest } = environment({ APP_DATA_DIR: folder.path });
    env = rest;
  });
  afterEach(async () => {
    await endChildren();
    await folder.remove();
  });

  test("both workers serve the demo concerts, which are made once, and the database stops last", async () => {
    await using service = await openProgram(env, [], { logLevel: "debug" });
    const pages = await Promise.all(
      Array.from({ length: 4 }, async () => (await callAnew(`${service.baseUrl}/api/v1/concerts`)).json()),
    );
    for (const { concerts } of pages) expect(concerts).toHaveLength(7);
    expect(await service.stop()).toBe(0);
    expect(await folder.server()).toBeUndefined();
    expect(service.lines.filter((line) => line.includes("created demo concerts"))).toHaveLength(1);
  });

  test("its end ends all processes", async () => {
    await using service = await openProgram(env, [], { logLevel: "debug" });
    const server = await folder.server();
    process.kill(server?.pid ?? 0, "SIGKILL");
    expect(await service.ended).toBe(1);
    expect(service.output()).toMatch(/"level":"fatal".*cannot go on; closing/);
    expect(workerPids(service).filter(isThere)).toEqual([]);
  });
});

describe("a start that fails", () => {
  test.each(["APP_REST_PORT", "APP_GRPC_PORT"])("names the port of %s that is taken, once", async (setting) => {
    const rival = createServer().listen(0, "127.0.0.1");
    await once(rival, "listening");
    const { port } = rival.address() as AddressInfo;
    await using service = startProgram(environment({ [setting]: String(port) }));
    expect(await service.ended).toBe(1);
    const lines = service.lines.filter((line) => line.startsWith("frontrow:"));
    expect(lines).toEqual([`frontrow: port ${port} is in use: set another by ${setting}`]);
    rival.close();
  });

  test("because of a pool that is too small ends with status 2", async () => {
    await using service = startProgram(environment({ APP_WORKERS: "4", APP_DATABASE_POOL_SIZE: "3" }));
    expect(await service.ended).toBe(2);
    expect(service.output()).toBe(
      "frontrow: APP_DATABASE_POOL_SIZE (3) is less than APP_WORKERS (4): each worker needs a connection",
    );
  });

  test("by a signal ends its workers", async () => {
    await using service = startProgram(environment(), [], { logLevel: "debug" });
    await service.line("the database is up to date");
    expect(await service.stop()).toBe(0);
    expect(workerPids(service).filter(isThere)).toEqual([]);
  });
});

test("a booking through one worker is found through the other", async () => {
  await using service = await open();
  const stage = createStage(service.baseUrl);
  const booking = await stage.booking(await stage.concert());
  for (const protocol of ["gRPC", "REST"] as const) {
    const client = createProtocolClient(protocol, service.baseUrl);
    const outcome = await client.call(BookingService.method.getBooking, { id: booking.id });
    expect(outcome).toMatchObject({ ok: true, message: { id: booking.id } });
    client.close();
  }
});
