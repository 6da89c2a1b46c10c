import { type Kysely, sql } from "kysely";
import { DatabaseSetupError } from "./sqlstate.ts";
import type { DB } from "./tables.ts";

/** The oldest major version of PostgreSQL that the tests run on. */
export const oldestMajor = 15;

/**
 * Raises DatabaseSetupError if the server is too old or the database cannot store every text. Returns warnings about what is
 * slow.
 */
export async function checkServer(db: Kysely<DB>): Promise<string[]> {
  const facts = await db
    .selectNoFrom([
      sql<string>`current_database()`.as("name"),
      sql<string>`current_setting('server_encoding')`.as("encoding"),
      sql<number>`current_setting('server_version_num')::int`.as("versionNumber"),
      sql<string>`current_setting('server_version')`.as("version"),
    ])
    .executeTakeFirstOrThrow();
  requireVersion(facts);
  const name = JSON.stringify(facts.name);
  if (facts.encoding !== "UTF8") {
    throw new DatabaseSetupError(
      `the database ${name} has the encoding ${facts.encoding}, which cannot store every name: ${howToCreate}`,
    );
  }
  if (await knowsLetters(db)) return [];
  return [
    `searches for letters outside of ASCII are slow in the database ${name}, because its LC_CTYPE is C and its indexes ` +
      `leave such letters out: ${howToCreate}`,
  ];
}

/** Throws a DatabaseSetupError for a server below `oldestMajor`. */
export function requireVersion({ versionNumber, version }: { versionNumber: number; version: string }): void {
  if (versionNumber >= oldestMajor * 10_000) return;
  throw new DatabaseSetupError(
    `the database runs PostgreSQL ${version}, and Frontrow needs ${oldestMajor} or newer: upgrade the server`,
  );
}

/** Whether the database classifies letters outside of ASCII as letters, so that its indexes contain them. */
async function knowsLetters(db: Kysely<DB>): Promise<boolean> {
  const letters = sql<boolean>`'éя東' ~ '^[[:alpha:]]+$'`.as("areKnown");
  return (await db.selectNoFrom(letters).executeTakeFirstOrThrow()).areKnown;
}

const howToCreate = "create one with CREATE DATABASE ... ENCODING 'UTF8' LC_CTYPE 'C.UTF-8' TEMPLATE template0";
