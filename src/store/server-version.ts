import { type Kysely, sql } from "kysely";
import type { DB } from "./tables.ts";

/** The oldest major version of PostgreSQL that the tests run on. */
export const oldestMajor = 15;

/** The database's server is older than what Frontrow supports: one sentence for the operator. */
export class ServerVersionError extends Error {
  override readonly name = "ServerVersionError";
}

/** Rejects with a ServerVersionError if the server is older than `oldestMajor`. */
export async function requireServerVersion(db: Kysely<DB>): Promise<void> {
  const { rows } = await sql<{ number: number; version: string }>`
    select current_setting('server_version_num')::int as number, current_setting('server_version') as version`.execute(
    db,
  );
  for (const { number, version } of rows) checkServerVersion(number, version);
}

/** Throws a ServerVersionError for a `server_version_num` that is too old; `version` is what people call it. */
export function checkServerVersion(number: number, version: string): void {
  if (number >= oldestMajor * 10_000) return;
  throw new ServerVersionError(
    `the database runs PostgreSQL ${version}, and Frontrow needs ${oldestMajor} or newer: upgrade the server`,
  );
}
