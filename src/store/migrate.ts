import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Kysely, sql } from "kysely";
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

/**
 * Applies the migrations that the database lacks, each once, however many instances start together; returns their names.
 * Raises a MigrationError.
 */
export async function migrate(db: Kysely<DB>): Promise<string[]> {
  const { error, results = [] } = await new Migrator({ db, provider: sqlFiles }).migrateToLatest();
  if (error !== undefined) {
    const failed = results.find((result) => result.status === "Error");
    throw await explainMigrationError(db, failed?.migrationName, error);
  }
  return results.map((result) => result.migrationName);
}
