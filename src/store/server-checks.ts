import { type Kysely, sql } from "kysely";
import { DatabaseSetupError } from "./database-errors.ts";
import type { DB } from "./tables.ts";

interface ServerFacts {
  readonly name: string;
  readonly encoding: string;
  /** Whether letters outside of ASCII have an upper and a lower case. */
  readonly knowsCases: boolean;
}

/** Raises DatabaseSetupError if the database cannot store every text; returns warnings of what it cannot do. */
export async function checkServer(db: Kysely<DB>): Promise<string[]> {
  const { rows } = await sql<ServerFacts>`
    select current_database() as name, current_setting('server_encoding') as encoding, 'É' ilike 'é' as "knowsCases"`
    .execute(db)
    .catch((error: unknown) => {
      // Some encodings do not even have the letter.
      if (isUntranslatable(error))
        return sql<ServerFacts>`
        select current_database() as name, current_setting('server_encoding') as encoding, false as "knowsCases"`.execute(
          db,
        );
      throw error;
    });
  const [facts] = rows;
  if (facts === undefined) return [];
  const { name, encoding, knowsCases } = facts;
  if (encoding !== "UTF8") {
    throw new DatabaseSetupError(
      `the database ${JSON.stringify(name)} has the encoding ${encoding}, which cannot store every name: create one with ` +
        "CREATE DATABASE ... ENCODING 'UTF8' LC_CTYPE 'C.UTF-8' TEMPLATE template0",
    );
  }
  if (knowsCases) return [];
  return [
    `searches in the database ${JSON.stringify(name)} ignore the case of ASCII letters only, since its LC_CTYPE is C: ` +
      "create one with CREATE DATABASE ... ENCODING 'UTF8' LC_CTYPE 'C.UTF-8' TEMPLATE template0",
  ];
}

/** untranslatable_character. */
function isUntranslatable(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "22P05";
}
