/** Tells a person why the embedded PostgreSQL cannot serve, and what to do about it. */
export class EmbeddedPostgresError extends Error {
  override readonly name = "EmbeddedPostgresError";
}

/** The way out that is always open; ends most of the messages. */
export const useAnotherDatabase = "or set APP_DATABASE_URL to use a PostgreSQL server of your own";

/** The answer to whoever comes second. */
export function anotherFrontrow(dataDir: string): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    `another Frontrow is running on this data folder (${dataDir}): stop it, or set APP_DATA_DIR to another folder`,
  );
}

/** The text of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The code of a system error (`ENOENT`), an exit status, or an SQLSTATE. */
export function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
