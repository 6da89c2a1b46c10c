/** The embedded PostgreSQL with Frontrow's names and advice. */
import {
  type EmbeddedPostgres,
  EmbeddedPostgresError,
  type EmbeddedPostgresErrorCode,
  type EmbeddedPostgresOptions,
  startEmbeddedPostgres,
} from "@frontrow/embedded-postgres";
import { OperatorError } from "../domain/operator-error.ts";

/** The embedded server cannot be used. The message says what to change. */
export class EmbeddedDatabaseError extends OperatorError {
  override readonly name = "EmbeddedDatabaseError";
}

const useOtherServer = "set APP_DATABASE_URL to use a PostgreSQL server of your own";
const useOtherFolder = "set APP_DATA_DIR to another folder that you may write to";
const advice: Partial<Record<EmbeddedPostgresErrorCode, string>> = {
  IN_USE: "Stop the other Frontrow, or set APP_DATA_DIR to another folder.",
  NO_ACCESS: `Or ${useOtherFolder}, or ${useOtherServer}.`,
  START_FAILED: `Correct what it reports, ${useOtherFolder}, or ${useOtherServer}.`,
  NOT_INSTALLED: `Or ${useOtherServer}.`,
  NOT_RUNNABLE: `Use another machine or image, or ${useOtherServer}.`,
  NO_USER: `Or ${useOtherServer}.`,
};

/** Starts the embedded server, with a database for Frontrow. Rejects with an EmbeddedDatabaseError. */
export async function startEmbeddedDatabase(
  options: Pick<EmbeddedPostgresOptions, "dataDir" | "log" | "signal" | "settings" | "stopTimeoutMs">,
): Promise<EmbeddedPostgres> {
  try {
    return await startEmbeddedPostgres({ ...options, name: "frontrow", database: "concert_tickets" });
  } catch (error) {
    if (!(error instanceof EmbeddedPostgresError)) throw error;
    const lines = [error.message, advice[error.code]].filter((line) => line !== undefined);
    throw new EmbeddedDatabaseError(lines.join("\n"), { cause: error });
  }
}
