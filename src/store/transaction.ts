import { setTimeout as delay } from "node:timers/promises";
import { type ControlledTransaction, type Kysely, sql, type Transaction } from "kysely";
import { type ChangeDeadline, requireAwaited } from "../domain/deadline.ts";
import { DomainError } from "../domain/failure.ts";
import type { Publish } from "../domain/publish.ts";
import type { StoreEvents } from "./events.ts";
import { isDefiniteRollback, isFutureTransactionId } from "./sqlstate.ts";
import type { DB } from "./tables.ts";

export interface TransactionTimeouts {
  /** How long one statement may wait for a lock. */
  readonly lockTimeoutMs: number;
  /** How long one statement may take in all. */
  readonly statementTimeoutMs: number;
}

/** Changes when the server crashes or a replica takes over, but not when it is restarted in order. */
const serverMark = sql<string>`extract(epoch from pg_stat_get_bgwriter_stat_reset_time())::text`;

/** PostgreSQL ends a transaction whose process hangs after this time, so that it does not hold its locks for ever. */
export const idleInTransactionTimeoutMs = 10_000;
/** How long to query the outcome of a COMMIT whose response was lost. */
const settleTimeoutMs = 5_000;
const settlePollMs = 50;

/** Where transactions run. */
interface TransactionContext {
  readonly db: Kysely<DB>;
  /** Connections that no caller waits for, to settle transactions in doubt. */
  readonly aside: Kysely<DB>;
  readonly timeouts: TransactionTimeouts;
  readonly publish: Publish<StoreEvents>;
}

/** One attempt: BEGIN, `work`, COMMIT. Whatever it throws, nothing is stored, OUTCOME_UNKNOWN excepted. */
export async function runTransaction<Result>(
  { db, aside, timeouts, publish }: TransactionContext,
  work: (transaction: Transaction<DB>) => Promise<Result>,
  deadline: ChangeDeadline,
): Promise<Result> {
  const attempt = await db
    .connection()
    .execute(async (connection) => {
      // Here and not before: the wait for the connection may have been long.
      requireAwaited(deadline);
      deadline.onProgress("begun");
      return await workAndCommit(connection, work, timeouts);
    })
    .catch((error) => {
      deadline.onProgress("waiting");
      throw error;
    });
  if (attempt.lost === undefined) return attempt.result;
  publish("store.commit_in_doubt", { error: attempt.lost });
  const outcome = await settleTransaction(aside, attempt.transactionId);
  publish("store.commit_settled", { outcome });
  if (outcome === "committed") return attempt.result;
  if (outcome === "unknown") throw new DomainError({ reason: "OUTCOME_UNKNOWN" }, { cause: attempt.lost });
  deadline.onProgress("waiting");
  throw attempt.lost;
}

interface Attempt<Result> {
  readonly result: Result;
  readonly transactionId: string;
  /** The error of a COMMIT whose outcome is in doubt. */
  readonly lost?: unknown;
}

/** Throws if nothing is stored. */
async function workAndCommit<Result>(
  connection: Kysely<DB>,
  work: (transaction: Transaction<DB>) => Promise<Result>,
  timeouts: TransactionTimeouts,
): Promise<Attempt<Result>> {
  const transaction = await connection.startTransaction().setIsolationLevel("read committed").execute();
  let attempt: Attempt<Result>;
  try {
    const transactionId = await setUp(transaction, timeouts);
    attempt = { result: await work(transaction), transactionId };
  } catch (error) {
    await rollBack(transaction);
    throw error;
  }
  try {
    await transaction.commit().execute();
    return attempt;
  } catch (error) {
    await rollBack(transaction);
    if (isDefiniteRollback(error)) throw error;
    return { ...attempt, lost: error };
  }
}

/**
 * Sets the time limits and returns the transaction's id, which settles it if it gets in doubt. The id includes the server's
 * mark, since after a crash PostgreSQL assigns the ids of lost transactions to new ones. The limits are set inside the
 * transaction: behind a transaction pooler a session's settings reach other clients, and poolers may refuse them at the start
 * of a connection.
 */
async function setUp(transaction: Transaction<DB>, timeouts: TransactionTimeouts): Promise<string> {
  const { rows } = await sql<{ id: string }>`select
    set_config('lock_timeout', ${String(timeouts.lockTimeoutMs)}, true),
    set_config('statement_timeout', ${String(timeouts.statementTimeoutMs)}, true),
    set_config('idle_in_transaction_session_timeout', ${String(idleInTransactionTimeoutMs)}, true),
    concat(pg_current_xact_id(), '/', ${serverMark}) as id`.execute(transaction);
  return rows[0]?.id ?? "";
}

/** Gives the connection back. If it is too broken to roll back, the server does. */
async function rollBack(transaction: ControlledTransaction<DB>): Promise<void> {
  await transaction
    .rollback()
    .execute()
    .catch(() => {});
}

/**
 * How a transaction in doubt ended. Queries it on other connections until it is no longer in progress. "unknown" if the
 * database cannot answer in time.
 */
export async function settleTransaction(
  db: Kysely<DB>,
  transactionId: string,
): Promise<"committed" | "aborted" | "unknown"> {
  const givesUpAtMs = performance.now() + settleTimeoutMs;
  while (performance.now() < givesUpAtMs) {
    const status = await transactionStatus(db, transactionId);
    if (status === "committed" || status === "aborted") return status;
    if (status === "forgotten") break;
    await delay(settlePollMs);
  }
  return "unknown";
}

/** Also true if the server cannot answer. */
async function isInRecovery(db: Kysely<DB>): Promise<boolean> {
  try {
    const { rows } = await sql<{ isInRecovery: boolean }>`select pg_is_in_recovery() as "isInRecovery"`.execute(db);
    return rows[0]?.isInRecovery ?? true;
  } catch {
    return true;
  }
}

type TransactionStatus = "committed" | "aborted" | "in progress" | "forgotten" | "unreachable";

async function transactionStatus(db: Kysely<DB>, transactionId: string): Promise<TransactionStatus> {
  const [xid, mark] = transactionId.split("/");
  try {
    const { rows } = await sql<{ status: "committed" | "aborted" | "in progress" | null; isSameServer: boolean }>`
      select pg_xact_status(${xid}::xid8) as status, ${serverMark} = ${mark} as "isSameServer"`.execute(db);
    const { status, isSameServer } = rows[0] ?? {};
    // After a crash or failover another transaction may have committed under this id. If none has, ours has not.
    return (status === "committed" && !isSameServer ? undefined : status) ?? "forgotten";
  } catch (error) {
    if (!isFutureTransactionId(error)) return "unreachable";
    // A server that accepts writes and has never assigned the id has lost the transaction in a failover, and its COMMIT cannot
    // arrive any more. A standby may still receive it.
    return (await isInRecovery(db)) ? "unreachable" : "aborted";
  }
}
