/** Services with two workers, on a database that the tests of a file share. */
import { afterAll, beforeAll } from "vitest";
import { createTestDatabase, type TestDatabase } from "../database/database.ts";
import { type Settings, testEnvironment } from "../service/service.ts";
import { endChildren } from "./child-process.ts";
import { openProgram } from "./program.ts";

/** Creates the database before the tests of a file. After them all processes end, and it is dropped. */
export function useTwoWorkers() {
  let created: TestDatabase | undefined;
  beforeAll(async () => {
    created = await createTestDatabase();
  });
  afterAll(async () => {
    await endChildren();
    await created?.drop();
  });
  const database = (): TestDatabase => {
    if (created === undefined) throw new Error("the database is there in tests and hooks only");
    return created;
  };
  const environment = (settings: Settings = {}) => testEnvironment(database().url, { APP_WORKERS: "2", ...settings });
  return {
    database,
    environment,
    open: (settings: Settings = {}) => openProgram(environment(settings), [], { logLevel: "debug" }),
  };
}
