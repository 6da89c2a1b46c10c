import { once } from "node:events";
import { access, mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import path from "node:path";
import pg from "pg";
import { expect, test, vi } from "vitest";
import { freePort } from "../src/free-port.ts";
import { findPostmaster, startTemporaryPostgres } from "../src/index.ts";
import { isRoot, query, useLauncher } from "./support/launcher.ts";

// A spy: one call is replaced to lose a race.
vi.mock("../src/free-port.ts", { spy: true });

const launcher = useLauncher();

test("the server is a PostgreSQL 18 with safe settings, reachable by password on 127.0.0.1 only", async () => {
  const postgres = await launcher.start({ settings: { work_mem: "5MB" } });
  expect(postgres.connection).toMatchObject({ host: "127.0.0.1", database: "launched" });
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
  const guess = { connection: { ...postgres.connection, password: "guess" } };
  await expect(query(guess, "SELECT 1")).rejects.toMatchObject({ code: "28P01" });
  const { dataDir } = launcher;
  expect((await stat(path.join(dataDir, "postgres", "launched.password"))).mode & 0o777).toBe(0o600);
  expect((await readdir(dataDir)).sort()).toEqual(["postgres", "postgres.log"]);
  if (isRoot) expect((await stat(`/proc/${await launcher.serverPid()}`)).uid).not.toBe(0);
  await postgres.stop();
});

test("the server treats non-ASCII letters as letters", async () => {
  const postgres = await launcher.start();
  await query(postgres, "CREATE EXTENSION pg_trgm");
  const [row] = await query(
    postgres,
    `SELECT 'MOTÖRHEAD' ILIKE '%tör%' AS matched, lower('ÅÉЖ') AS lowered,
       similarity('Жанна Агузарова', 'жАННА аГУЗАРОВА') AS similarity`,
  );
  expect(row).toEqual({ matched: true, lowered: "åéж", similarity: 1 });
  await postgres.stop();
});

test("the data survives a restart, and a stopped server leaves no process", async () => {
  const first = await launcher.start({ database: 'odd "name"' });
  await query(first, "CREATE TABLE kept AS SELECT 42 AS answer");
  const pid = await launcher.serverPid();
  await Promise.all([first.stop(), first.stop()]);
  await first[Symbol.asyncDispose]();
  expect(await first.exited).toBeUndefined();
  expect(() => process.kill(pid, 0)).toThrow("ESRCH");

  const second = await launcher.start({ database: 'odd "name"' });
  expect(await query(second, "SELECT answer FROM kept")).toEqual([{ answer: 42 }]);
  await second.stop();
});

test("a temporary server is reachable by its URL, and its data is removed when it stops", async () => {
  const postgres = await startTemporaryPostgres({ name: "launched", systemDir: launcher.systemDir });
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  await client.end();
  await postgres[Symbol.asyncDispose]();
  await expect(access(postgres.dataDir)).rejects.toMatchObject({ code: "ENOENT" });
});

test("a start that loses the race for its port tries another one", async () => {
  const rival = createServer().listen(0, "127.0.0.1");
  await once(rival, "listening");
  const address = rival.address();
  vi.mocked(freePort).mockResolvedValueOnce(typeof address === "object" && address ? address.port : 0);
  const postgres = await launcher.start();
  expect(await query(postgres, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
  await postgres.stop();
  rival.close();
});

test("the error of a failed start quotes the server's log", async () => {
  const failure = launcher.start({ settings: { shared_preload_libraries: "no_such_library" } });
  await expect(failure).rejects.toMatchObject({
    name: "EmbeddedPostgresError",
    code: "START_FAILED",
    message: expect.stringContaining('could not access file "no_such_library"'),
  });
});

test("a cancelled start leaves no server", async () => {
  const cancellation = new AbortController();
  const reason = new Error("cancelled");
  vi.mocked(freePort).mockImplementationOnce(async () => {
    cancellation.abort(reason);
    return 1;
  });
  await expect(launcher.start({ signal: cancellation.signal })).rejects.toBe(reason);
  expect(await findPostmaster(launcher.dataDir)).toBeUndefined();
});

test("a start ignores and removes the files of an interrupted first start", async () => {
  const remains = path.join(launcher.dataDir, "postgres.unfinished-abc", "cluster");
  await mkdir(remains, { recursive: true });
  await writeFile(path.join(remains, "PG_VERSION"), "18\n");
  const postgres = await launcher.start();
  expect((await readdir(launcher.dataDir)).sort()).toEqual(["postgres", "postgres.log"]);
  await postgres.stop();
});

test("an unexpected end of the server is reported, and the next start recovers the data", async () => {
  const postgres = await launcher.start();
  await query(postgres, "CREATE TABLE kept AS SELECT 42 AS answer");
  process.kill(await launcher.serverPid(), "SIGKILL");
  expect(await postgres.exited).toMatchObject({
    code: "SERVER_LOST",
    message: expect.stringContaining("ended unexpectedly"),
  });
  await postgres.stop();

  const next = await launcher.start();
  expect(await query(next, "SELECT answer FROM kept")).toEqual([{ answer: 42 }]);
  await next.stop();
});
