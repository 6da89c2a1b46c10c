import { isAbortedTransactionError } from "kysely";
import pg from "pg";
import { DomainError, retryDelayMs } from "../domain/failure.ts";
import { OperatorError } from "../domain/operator-error.ts";

/** The database cannot be used as it is set up. The message is a sentence that says what to change. */
export class DatabaseSetupError extends OperatorError {
  override readonly name = "DatabaseSetupError";
}

/**
 * No connection could be made, for the reason in `cause`. An error that PostgreSQL or a pooler sends before there is a
 * connection concerns the service's own access and never a statement, whatever its SQLSTATE.
 */
export class ConnectFailure extends Error {
  override readonly name = "ConnectFailure";

  constructor(cause: unknown) {
    super("cannot connect to the database", { cause });
  }
}

/** read_only_sql_transaction. */
const readOnlyTransaction = "25006";

/**
 * SQLSTATEs after which the same transaction may well succeed (PostgreSQL manual, appendix A), class 08 aside:
 * serialization_failure, deadlock_detected, lock_not_available, admin_shutdown, crash_shutdown, cannot_connect_now,
 * idle_session_timeout (of a connection that was about to be used), and read_only_sql_transaction (the old primary after a
 * failover).
 */
const transientStates = new Set(["40001", "40P01", "55P03", "57P01", "57P02", "57P03", "57P05", readOnlyTransaction]);
const lockNotAvailable = "55P03";

/**
 * SQLSTATEs of a failure that passes, but not within a few retries: timeouts of ours, and class 53, insufficient resources
 * (connections, memory, disk space).
 */
const unavailableStates = new Set(["57014", "25P03", "25P04"]);
const insufficientResources = "53";

/** statement_completion_unknown. */
const completionUnknown = "40003";

/** Codes of Node's socket and DNS errors, and messages of `pg` (which sets no code), of a connection that broke or failed. */
const connectionErrorCodes = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ENOENT",
]);
const connectionErrorMessages = [
  "Connection terminated",
  "Client has encountered a connection error and is not queryable",
  "Client was closed and is not queryable",
];

/** invalid_sql_statement_name, duplicate_prepared_statement. */
const lostStatementStates = new Set(["26000", "42P05"]);

/** The SQLSTATE of an error that PostgreSQL sent; undefined for other errors. */
export function sqlState(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? error.code : undefined;
}

/**
 * Whether PostgreSQL lacked, or already had, a prepared statement of this name: a pooler gave the transaction another session
 * than the one that prepared it.
 */
export function isStatementLost(error: unknown): boolean {
  return lostStatementStates.has(sqlState(error) ?? "");
}

function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (sqlState(error)?.startsWith("08")) return true;
  if (error instanceof AggregateError) return error.errors.some(isConnectionError);
  if ("code" in error && typeof error.code === "string" && connectionErrorCodes.has(error.code)) return true;
  return connectionErrorMessages.some((message) => error.message.startsWith(message));
}

/** Whether the whole transaction may be repeated: nothing was stored, and the cause may pass. */
export function isTransient(error: unknown): boolean {
  if (error instanceof ConnectFailure) return sqlState(error.cause) === undefined || isTransient(error.cause);
  const state = sqlState(error);
  return (
    (state !== undefined && transientStates.has(state)) ||
    isConnectionError(error) ||
    isAbortedTransactionError(error) ||
    // The retry does without prepared statements.
    isStatementLost(error)
  );
}

/**
 * Whether PostgreSQL itself reported that COMMIT failed, so that the transaction is certainly rolled back. Any other error
 * (a connection lost by the service or by a pooler, a server that shuts down) leaves the transaction in doubt.
 */
export function isDefiniteRollback(error: unknown): boolean {
  if (isAbortedTransactionError(error)) return true;
  if (!(error instanceof pg.DatabaseError) || error.severity !== "ERROR") return false;
  return !isConnectionError(error) && error.code !== completionUnknown;
}

/** Whether the server only reads, as the old primary does after a failover: no retry succeeds there. */
export function isFromReadOnlyServer(error: unknown): boolean {
  return sqlState(error) === readOnlyTransaction;
}

/** The failure for a database error after which nothing is stored. An error that is a bug is returned as it is. */
export function asFailure(error: unknown): unknown {
  if (error instanceof DomainError) return error;
  const state = sqlState(error);
  if (state === lockNotAvailable) return new DomainError({ reason: "OVERLOADED", retryDelayMs }, { cause: error });
  const isUnavailable =
    state !== undefined && (unavailableStates.has(state) || state.startsWith(insufficientResources));
  if (error instanceof ConnectFailure || isTransient(error) || isUnavailable) {
    return new DomainError({ reason: "DATABASE_UNAVAILABLE", retryDelayMs }, { cause: error });
  }
  return error;
}
