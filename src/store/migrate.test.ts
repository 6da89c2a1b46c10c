import { DummyDriver, Kysely, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler } from "kysely";
import pg from "pg";
import { expect, test } from "vitest";
import { explainMigrationError } from "./migrate.ts";
import type { DB } from "./tables.ts";

/** A database that returns no rows to every query. */
const db = new Kysely<DB>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (kysely) => new PostgresIntrospector(kysely),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
});

const advice = "\nAnother migration or transaction holds a lock that it needs: repeat it when that has ended.";

test.each([
  ["a lock that was not available", "55P03", advice],
  ["a statement that was cancelled", "57014", advice],
  ["a deadlock", "40P01", advice],
  ["a mistake in the migration", "42601", ""],
])("%s", async (_, code, sentence) => {
  const error = Object.assign(new pg.DatabaseError("message", 0, "error"), { code });
  const { message } = await explainMigrationError(db, "0009_x", error);
  expect(message).toBe(`the migration 0009_x failed: message (SQLSTATE ${code})${sentence}`);
});
