/** The messages of a start that fails because of the database's rights, schema or locks. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { createTestDatabase, type TestDatabase } from "./support/database/database.ts";
import { holdLock } from "./support/database/locks.ts";
import { startProgram } from "./support/process/program.ts";
import { projectRoot } from "./support/project-root.ts";
import { testEnvironment } from "./support/service/service.ts";

vi.setConfig({ testTimeout: 60_000 });

let database: TestDatabase;
let role: string;
let env: Record<string, string>;

beforeAll(async () => {
  database = await createTestDatabase();
  const url = new URL(database.url);
  role = `role_${url.pathname.slice(-8)}`;
  await database.query(`CREATE ROLE ${role} LOGIN PASSWORD 'secret'`);
  url.username = role;
  url.password = "secret";
  env = testEnvironment(url.href);
});
afterAll(async () => {
  await database.query(`DROP OWNED BY ${role} CASCADE; DROP ROLE ${role}`);
  await database.drop();
});

async function emptyDatabase(...grants: string[]): Promise<void> {
  await database.query("DROP SCHEMA IF EXISTS public CASCADE; DROP EXTENSION IF EXISTS pg_trgm");
  for (const statement of grants) await database.query(statement);
}

/** The output of a failed start, without its log, whose last line must say the same at fatal. */
async function failedStart(args: string[] = ["--migrate"]): Promise<string> {
  await using program = startProgram(env, args);
  expect(await program.ended).toBe(1);
  expect(program.output()).not.toMatch(/^\s+at /m);
  const [log, text] = [true, false].map((isLog) => program.lines.filter((line) => line.startsWith("{") === isLog));
  const sentence = text?.join("\n") ?? "";
  const error = sentence.replace("frontrow: ", "");
  expect(JSON.parse(log?.at(-1) ?? "")).toMatchObject({ level: "fatal", msg: "the start has failed; ending", error });
  return sentence;
}

test.each([[["--migrate"]], [[]]])(
  "the start names the GRANT for a role that may not create tables: %j",
  async (args) => {
    await emptyDatabase("CREATE SCHEMA public", `GRANT USAGE ON SCHEMA public TO ${role}`);
    expect(await failedStart(args)).toBe(
      `frontrow: cannot migrate the database: permission denied for schema public (SQLSTATE 42501)
Run as the schema's owner or a superuser: GRANT USAGE, CREATE ON SCHEMA public TO ${role};`,
    );
  },
);

test("the start names the statement that creates a missing schema", async () => {
  await emptyDatabase();
  expect(await failedStart()).toBe(
    `frontrow: cannot migrate the database: no schema has been selected to create in (SQLSTATE 3F000)
Run as a superuser: CREATE SCHEMA public AUTHORIZATION ${role};`,
  );
});

test("the start names the statements for an extension that the role may not create", async () => {
  await emptyDatabase(`CREATE SCHEMA public AUTHORIZATION ${role}`);
  const name = new URL(database.url).pathname.slice(1);
  await database.query(`REVOKE CREATE ON DATABASE ${name} FROM PUBLIC`);
  expect(await failedStart()).toMatch(
    new RegExp(
      `^frontrow: the migration 0001_concerts_and_bookings failed: permission denied to create extension "pg_trgm" \\(SQLSTATE 42501\\)
Hint: .*
Run as the database's owner or a superuser: GRANT CREATE ON DATABASE ${name} TO ${role}; .*CREATE EXTENSION pg_trgm;$`,
    ),
  );
});

test("the start names the owner's role when the tables belong to another one", async () => {
  await emptyDatabase("CREATE SCHEMA public", `GRANT USAGE, CREATE ON SCHEMA public TO ${role}`);
  await using migration = startProgram(testEnvironment(database.url), ["--migrate"]);
  expect(await migration.ended).toBe(0);
  expect(await failedStart()).toMatch(
    /^frontrow: cannot migrate the database: permission denied for .*\nMigrate as the role that owns the tables\..*$/,
  );
});

test("a migration that does not get a lock in time fails with the reason", async () => {
  await emptyDatabase("CREATE SCHEMA public", "CREATE EXTENSION pg_trgm");
  await migrateBefore("0005_search_texts");
  const session = await database.connect();
  await session.query("BEGIN; LOCK TABLE concerts IN SHARE MODE");
  await using program = startProgram(testEnvironment(database.url), ["--migrate"]);
  expect(await program.ended).toBe(1);
  expect(program.output()).toMatch(
    /^frontrow: the migration 0005_search_texts failed: .* lock timeout \(SQLSTATE 55P03\)\nAnother migration .* holds a lock that it needs/m,
  );
  expect(program.output()).not.toMatch(/^\s+at /m);
  await session.end();
});

test.each([
  [["--migrate"], 1],
  [[], 0],
])("a signal during a migration that waits for a lock ends the program: %j", async (args, exitCode) => {
  await emptyDatabase("CREATE SCHEMA public", "CREATE EXTENSION pg_trgm");
  const lock = await holdLock(database, "SELECT pg_advisory_xact_lock(3853314791062309107)");
  await using program = startProgram(testEnvironment(database.url), args);
  await lock.untilWaiting(1);
  expect(await program.stop()).toBe(exitCode);
  expect(program.output()).toContain("stopped during the start");
  await lock.release();
  expect(await database.query("SELECT to_regclass('concerts') AS concerts")).toEqual([{ concerts: null }]);
});

/** Leaves the database as an older release did, before the migration of this name. */
async function migrateBefore(name: string): Promise<void> {
  const folder = join(projectRoot, "db", "migrations");
  const earlier = (await readdir(folder)).filter((file) => file < name).sort();
  for (const file of earlier) {
    await database.query(await readFile(join(folder, file), "utf8"));
  }
  await database.query(
    "CREATE TABLE kysely_migration (name varchar(255) PRIMARY KEY, timestamp varchar(255) NOT NULL)",
  );
  for (const file of earlier) {
    const entry = `'${file.replace(/\.sql$/, "")}', '${new Date().toISOString()}'`;
    await database.query(`INSERT INTO kysely_migration VALUES (${entry})`);
  }
}
