/** `node src/main.ts` from its start to its end: the embedded database, migrations, signals and exit codes. */
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { freePort } from "@frontrow/embedded-postgres";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { createDataFolder, type DataFolder } from "./support/database/data-folder.ts";
import { createTestDatabase, type TestDatabase } from "./support/database/database.ts";
import { patientSettings } from "./support/database/locks.ts";
import { startPostgresProxy } from "./support/database/postgres-proxy.ts";
import { openRaw } from "./support/network/raw-connection.ts";
import { type OpenProgram, openProgram, startProgram } from "./support/process/program.ts";
import { startTestService, testEnvironment } from "./support/service/service.ts";

vi.setConfig({ testTimeout: 60_000 });

/** The environment of a service with an embedded database. */
function ownDatabase(folder: DataFolder, settings: Record<string, string> = {}): Record<string, string> {
  const { APP_DATABASE_URL: _, ...env } = testEnvironment("");
  return { ...env, APP_DATA_DIR: folder.path, ...settings };
}

async function listConcerts({ baseUrl }: OpenProgram): Promise<{ id: string; requires_payment: boolean }[]> {
  const response = await fetch(`${baseUrl}/api/v1/concerts`);
  return ((await response.json()) as { concerts: { id: string; requires_payment: boolean }[] }).concerts;
}

function bookingText(concertId: string | undefined): string {
  const body = JSON.stringify({ concert_id: concertId, user_id: "nora", ticket_count: 1 });
  return `POST /api/v1/bookings HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe("a service with an embedded database", () => {
  let folder: DataFolder;
  beforeAll(async () => {
    folder = await createDataFolder();
  });
  afterAll(() => folder.remove());

  test("prints its data folder and a first command, and has concerts to book", async () => {
    await using service = await openProgram(ownDatabase(folder));
    const hint = await service.line("curl ");
    const firstLines = service.output().split("\n");
    expect(JSON.parse(firstLines[0] ?? "")).toMatchObject({ dataDir: folder.path });
    expect(firstLines.indexOf(hint)).toBeLessThan(6);
    const [url = ""] = /http:\S+\/concerts/.exec(hint) ?? [];
    expect(await (await fetch(url)).json()).toMatchObject({ concerts: { length: 7 } });

    for (const { id, requires_payment } of await listConcerts(service)) {
      const raw = openRaw(service.restPort);
      raw.socket.write(bookingText(id));
      await raw.waitFor(requires_payment ? "PAYMENT_REQUIRED" : "HTTP/1.1 201 ");
      raw.socket.destroy();
    }
    expect(await service.stop()).toBe(0);
    expect(await folder.server()).toBeUndefined();
  });

  test("exits with a reason when another process uses the folder", async () => {
    await using first = await openProgram(ownDatabase(folder));
    await using second = startProgram(ownDatabase(folder));
    expect(await second.ended).toBe(1);
    expect(second.output()).toMatch(
      /^frontrow: another process runs PostgreSQL on the data folder .*\nStop the other Frontrow, or set APP_DATA_DIR /m,
    );
    expect(await listConcerts(first)).toHaveLength(7);
    expect(await first.stop()).toBe(0);
  });

  /** A booking that waits for a lock of the test's. */
  async function startBooking(service: OpenProgram) {
    const [concert] = await listConcerts(service);
    const session = await folder.connect();
    await session.query("BEGIN");
    await session.query("SELECT FROM concerts WHERE id = $1 FOR UPDATE", [concert?.id]);
    const raw = openRaw(service.restPort);
    raw.socket.write(bookingText(concert?.id));
    await vi.waitFor(async () => {
      const { rows } = await session.query("SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'");
      expect(rows).toHaveLength(1);
    }, 20_000);
    return { raw, release: () => session.query("COMMIT").finally(() => session.end()) };
  }

  test.each(["SIGTERM", "SIGINT", "SIGHUP"] as const)(
    "finishes the calls in flight after %s, even if the signal comes twice, and leaves no process",
    async (signal) => {
      await using service = await openProgram(ownDatabase(folder, patientSettings));
      const { raw, release } = await startBooking(service);

      service.signal(signal);
      await service.line('"draining"');
      service.signal(signal);
      await expect(fetch(`${service.baseUrl}/readyz`)).rejects.toThrow();
      raw.socket.write("GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n");
      await release();

      const [booked = "", readiness] = (await raw.closed).split(/(?<=})(?=HTTP)/);
      expect(booked).toMatch(/^HTTP\/1.1 201 /);
      expect(readiness).toMatch(/^HTTP\/1.1 503 [\s\S]*"status":"draining"/);
      expect(await service.ended).toBe(0);
      expect(await folder.server()).toBeUndefined();
      expect(isRunning(service.pid)).toBe(false);
    },
  );

  test("cuts calls that outlast the grace period", async () => {
    await using service = await openProgram(ownDatabase(folder, { ...patientSettings, APP_SHUTDOWN_TIMEOUT: "100ms" }));
    const { raw, release } = await startBooking(service);
    service.signal("SIGTERM");
    await raw.closed;
    await release();
    expect(await service.ended).toBe(0);
    expect(service.output()).toContain("calls were still in flight when the shutdown's time was up");
    expect(await folder.server()).toBeUndefined();
  });

  test("exits with a reason when its PostgreSQL ends; the next start does not add the demo concerts again", async () => {
    await using service = await openProgram(ownDatabase(folder));
    process.kill((await folder.server())?.pid ?? 0, "SIGKILL");
    expect(await service.ended).toBe(1);
    expect(service.output()).toMatch(/"level":"fatal".*PostgreSQL ended unexpectedly.*cannot go on; closing/);

    await using next = await openProgram(ownDatabase(folder));
    expect(await listConcerts(next)).toHaveLength(7);
    expect(await next.stop()).toBe(0);
  });

  test.each(["error", "fatal"])(
    "logs why it ends when its PostgreSQL ends, with APP_LOG_LEVEL=%s",
    async (logLevel) => {
      const port = await freePort();
      await using service = startProgram(ownDatabase(folder, { APP_REST_PORT: String(port) }), [], { logLevel });
      await vi.waitFor(() => fetch(`http://127.0.0.1:${port}/readyz`), 30_000);
      process.kill((await folder.server())?.pid ?? 0, "SIGKILL");
      expect(await service.ended).toBe(1);
      expect(service.output()).toMatch(/^\{"level":"fatal".*PostgreSQL ended unexpectedly.*$/);
    },
  );
});

test.each([
  ["an exception", "throw(Error('unforeseen'))"],
  ["a rejection", "Promise.reject(Error('unforeseen'))"],
])("%s without a handler ends the service in order, with the error in the log", async (_, fail) => {
  const database = await createTestDatabase();
  const preload = `data:text/javascript,process.on('SIGUSR2',()=>{${fail}})`;
  await using service = await openProgram({ ...testEnvironment(database.url), NODE_OPTIONS: `--import=${preload}` });
  service.signal("SIGUSR2");
  expect(await service.ended).toBe(1);
  expect(service.output()).toMatch(/"level":"fatal".*Error: unforeseen.*an unforeseen error; closing/);
  expect(service.output()).toMatch(/"closed"/);
  await database.drop();
});

describe("a first start", () => {
  let folder: DataFolder;
  beforeEach(async () => {
    folder = await createDataFolder();
  });
  afterEach(() => folder.remove());

  test("with --migrate only migrates, and without demo data the service has no concerts", async () => {
    await using migration = startProgram(ownDatabase(folder), ["--migrate"]);
    expect(await migration.ended).toBe(0);
    expect(await migration.line("migrated the database")).toContain("0001_concerts_and_bookings");
    expect(await folder.server()).toBeUndefined();

    await using service = await openProgram(ownDatabase(folder, { APP_DEMO_DATA: "false" }));
    expect(service.output()).toContain("the database is up to date");
    expect(await listConcerts(service)).toEqual([]);
    expect(await service.stop()).toBe(0);
  });

  test.each([
    ["the service", [], 0],
    ["a migration, which then fails", ["--migrate"], 1],
  ])("that is interrupted leaves no server and no files: %s", async (_name, args, code) => {
    await using program = startProgram(ownDatabase(folder), args);
    while ((await readdir(folder.path)).length === 0) await delay(5);
    expect(await program.stop()).toBe(code);
    expect(program.output()).toContain("stopped during the start");
    expect(program.output()).not.toContain("Error");
    expect(await folder.server()).toBeUndefined();
    expect((await readdir(folder.path)).filter((name) => name.includes("unfinished"))).toEqual([]);
  });
});

describe("a service with a database elsewhere", () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());

  async function emptyDatabase(): Promise<void> {
    await database.query("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
  }

  async function expectNoSessions(): Promise<void> {
    const sessions = `SELECT FROM pg_stat_activity
      WHERE datname = current_database() AND application_name = 'frontrow'`;
    await vi.waitFor(async () => expect(await database.query(sessions)).toEqual([]), 20_000);
  }

  test("with --migrate migrates an empty database, and exits", async () => {
    await emptyDatabase();
    for (const line of ["migrated the database", "the database is up to date"]) {
      await using migration = startProgram(testEnvironment(database.url), ["--migrate"]);
      expect(await migration.ended).toBe(0);
      expect(migration.output()).toContain(line);
    }
    expect(await database.query("SELECT FROM concerts")).toEqual([]);
    await expectNoSessions();
  });

  test("migrates an empty database once when four processes start together", async () => {
    await emptyDatabase();
    const services = await Promise.all(Array.from({ length: 4 }, () => startTestService({}, database)));
    await Promise.all(services.map((service) => service.close()));
    const applied = await database.query<{ name: string }>("SELECT name FROM kysely_migration ORDER BY name");
    expect(applied.map(({ name }) => `${name}.sql`)).toEqual((await readdir("db/migrations")).sort());
  });

  test.each([["APP_REST_PORT"], ["APP_GRPC_PORT"]])(
    "names the setting to change when the port of %s is taken",
    async (setting) => {
      const rival = createServer().listen(0, "127.0.0.1");
      await once(rival, "listening");
      const { port } = rival.address() as AddressInfo;
      await using service = startProgram(testEnvironment(database.url, { [setting]: String(port) }));
      expect(await service.ended).toBe(1);
      expect(service.output()).toContain(`frontrow: port ${port} is in use: set another by ${setting}`);
      rival.close();
    },
  );

  test("a start that fails closes the port and the database connections that it opened", async () => {
    const restPort = await freePort();
    const rival = createServer().listen(0, "127.0.0.1");
    await once(rival, "listening");
    const { port } = rival.address() as AddressInfo;
    const settings = { APP_REST_PORT: String(restPort), APP_GRPC_PORT: String(port) };
    await expect(startTestService(settings, database)).rejects.toMatchObject({ name: "PortError" });
    await expect(fetch(`http://127.0.0.1:${restPort}/livez`)).rejects.toThrow("fetch failed");
    await expectNoSessions();
    rival.close();
  });

  test("names the settings that are wrong", async () => {
    const wrong = { APP_GRPC_PORT: "high", OTEL_EXPORTER_OTLP_ENDPOINT: "collector" };
    await using service = startProgram(testEnvironment(database.url, wrong), ["--rest-prot=1"]);
    expect(await service.ended).toBe(2);
    expect(service.output()).toMatch(
      /^frontrow: .*--rest-prot.*--rest-port[\s\S]*^APP_GRPC_PORT: [\s\S]*^OTEL_EXPORTER_OTLP_ENDPOINT: /m,
    );
  });

  test("with --wait-for-db waits for a database that comes later", async () => {
    const proxy = await startPostgresProxy(database.url);
    proxy.refuse();
    const opening = openProgram(testEnvironment(proxy.url(database.url)), ["--wait-for-db"]);
    await vi.waitFor(() => expect(proxy.refusals).toBeGreaterThan(1), { timeout: 30_000 });
    proxy.accept();
    await using service = await opening;
    expect(await service.stop()).toBe(0);
    await proxy.close();
  });

  test.each([
    ["at once, and names the flag to wait", [], "to wait until it is up, use --wait-for-db"],
    ["after the time of the flag", ["--wait-for-db=600ms"], "within 600 ms"],
  ])("gives up on a missing database %s", async (_when, args, hint) => {
    const proxy = await startPostgresProxy(database.url);
    proxy.refuse();
    await using service = startProgram(testEnvironment(proxy.url(database.url)), args);
    expect(await service.ended).toBe(1);
    expect(service.output()).toMatch(
      new RegExp(`^frontrow: cannot reach the database at 127.0.0.1:${proxy.port} \\(.+\\).* ?${hint}`, "m"),
    );
    await proxy.close();
  });

  test("exits at once on a signal while it waits for the database", async () => {
    const proxy = await startPostgresProxy(database.url);
    proxy.refuse();
    await using service = startProgram(testEnvironment(proxy.url(database.url)), ["--wait-for-db=10m"]);
    await vi.waitFor(() => expect(proxy.refusals).toBeGreaterThan(0), { timeout: 30_000 });
    expect(await service.stop()).toBe(0);
    expect(service.output()).toContain("stopped during the start");
    await proxy.close();
  });
});
