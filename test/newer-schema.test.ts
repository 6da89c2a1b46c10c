/** Processes of a version on a database that a later version has migrated: during an update, and after going back. */
import { expect, test } from "vitest";
import { createTestDatabase } from "./support/database/database.ts";
import { openStore } from "./support/database/store.ts";
import { openProgram, startProgram } from "./support/process/program.ts";
import { testEnvironment } from "./support/service/service.ts";

const record = (name: string) => `INSERT INTO kysely_migration VALUES ('${name}', '2099-01-01')`;

test("a process starts on a database that a later version has migrated, and leaves it as it is", async () => {
  await using database = await createTestDatabase();
  await database.query(record("9998_later"));
  await database.query(record("9999_latest"));
  await using program = await openProgram(testEnvironment(database.url));
  expect((await fetch(`${program.baseUrl}/readyz`)).status).toBe(200);
  expect(await program.stop()).toBe(0);
  const warnings = program.lines.filter((line) => line.includes("a later version has migrated the database"));
  expect(warnings.map((line) => JSON.parse(line))).toEqual([
    expect.objectContaining({ level: "warn", later: ["9998_later", "9999_latest"] }),
  ]);
  await using migration = startProgram(testEnvironment(database.url), ["--migrate"], { logLevel: "info" });
  expect([await migration.ended, migration.output()]).toEqual([
    0,
    expect.stringContaining("the database is up to date"),
  ]);
  const rows = await database.query<{ name: string }>("SELECT name FROM kysely_migration WHERE name > '9'");
  expect(rows).toHaveLength(2);
});

test("a migration that the database lacks is not applied after a later one", async () => {
  await using database = await createTestDatabase();
  await database.query("DELETE FROM kysely_migration WHERE name = (SELECT max(name) FROM kysely_migration)");
  await database.query(record("9999_latest"));
  const store = openStore(database.url);
  await expect(store.migrate().finally(() => store.close())).rejects.toThrow("corrupted migrations");
});

test("a migration of the past that this version does not have stops the start", async () => {
  await using database = await createTestDatabase();
  await database.query(record("0000_unknown"));
  const store = openStore(database.url);
  await expect(store.migrate().finally(() => store.close())).rejects.toThrow("0000_unknown is missing");
});
