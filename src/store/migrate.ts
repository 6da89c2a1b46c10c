import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Kysely, sql, type Transaction } from "kysely";
import { type Migration, type MigrationProvider, Migrator } from "kysely/migration";
import { explainMigrationError } from "./migration-errors.ts";
import type { DB } from "./tables.ts";

const migrationsFolder = join(import.meta.dirname, "..", "..", "db", "migrations");

const sqlFiles: MigrationProvider = {
  async getMigrations(): Promise<Record<string, Migration>> {
    const files = (await readdir(migrationsFolder)).filter((file) => file.endsWith(".sql")).sort();
    const entries = files.map(async (file): Promise<[string, Migration]> => {
      const text = await readFile(join(migrationsFolder, file), "utf8");
      return [
        file.slice(0, -".sql".length),
        {
          up: async (db) => {
            await sql.raw(text).execute(db);
          },
        },
      ];
    });
    return Object.fromEntries(await Promise.all(entries));
  },
};

/** The number of Kysely's own lock, which releases before this one take for the session. */
const lockId = 3853314791062309107n;

/**
 * Applies the migrations that the database lacks, each once, however many instances start together; returns their names.
 * Raises a MigrationError. `firstError` gives the error of the first statement that failed: the migrator goes on after it
 * with one that fails for its sake. A migration may take long, and so may the wait for another instance's: the operator's time
 * limits for sessions are for other work. Those that a migration sets itself count.
 */
export async function migrate(db: Kysely<DB>, firstError: () => unknown): Promise<string[]> {
  let failed: string | undefined;
  try {
    return await db.transaction().execute(async (transaction) => {
      await lockMigrations(transaction);
      const { error, results = [] } = await new Migrator({ db: transaction, provider: sqlFiles }).migrateToLatest();
      failed = results.find((result) => result.status === "Error")?.migrationName;
      if (error !== undefined) throw error;
      return results.map((result) => result.migrationName);
    });
  } catch (error) {
    throw await explainMigrationError(db, failed, firstError() ?? error);
  }
}

/** Lets one instance migrate at a time, for as long as its transaction lasts. */
async function lockMigrations(transaction: Transaction<DB>): Promise<void> {
  await sql`select
    set_config('statement_timeout', '0', true),
    set_config('lock_timeout', '0', true),
    set_config('idle_in_transaction_session_timeout', '0', true)`.execute(transaction);
  await sql`select pg_advisory_xact_lock(${sql.lit(lockId)})`.execute(transaction);
}
