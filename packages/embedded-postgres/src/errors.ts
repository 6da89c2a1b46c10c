/** The reasons for which the server cannot be used. A caller may add advice by this code. */
export type EmbeddedPostgresErrorCode =
  /** Another process uses the data folder, or has taken it over. */
  | "IN_USE"
  /** No npm package with PostgreSQL for this platform is installed. */
  | "NOT_INSTALLED"
  /** The installed programs do not run on this machine. */
  | "NOT_RUNNABLE"
  /** The data belongs to a user that this process cannot run PostgreSQL as. */
  | "NO_ACCESS"
  /** This process is root, as which PostgreSQL refuses to run, and no other user is available. */
  | "NO_USER"
  /** The server did not start, or its files could not be created. */
  | "START_FAILED"
  /** The server ended without `stop()`, or its lock was lost. */
  | "SERVER_LOST"
  /** The server does not end. */
  | "STOP_FAILED";

/** Says in a sentence for a person why the server cannot be used. */
export class EmbeddedPostgresError extends Error {
  override readonly name = "EmbeddedPostgresError";
  readonly code: EmbeddedPostgresErrorCode;

  constructor(code: EmbeddedPostgresErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The error for a process that finds the data folder in use. */
export function inUseError(dataDir: string): EmbeddedPostgresError {
  return new EmbeddedPostgresError("IN_USE", `another process runs PostgreSQL on the data folder ${dataDir}`);
}

/** The message of a thrown value. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The code of a system error (`ENOENT`), an exit status, or an SQLSTATE. */
export function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
