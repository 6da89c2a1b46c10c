import { setTimeout as delay } from "node:timers/promises";
import { type ControlledTransaction, type Kysely, sql, type Transaction } from "kysely";
import { begin, type Deadline } from "../domain/deadline.ts";
import { DomainError } from "../domain/failure.ts";
import { isDefiniteRollback, isFutureTransactionId } from "./sqlstate.ts";
import type { DB } from "./tables.ts";
import { serverMark } from "./values.ts";

export interface TransactionTimeouts {
  /** How long one statement may wait for a lock. */
  readonly lockTimeoutMs: number;
  /** How long one statement may take in all. */
  readonly statementTimeoutMs: number;
}

/** What a transaction has to answer once it is committed, and the id to ask for if COMMIT's answer is lost. */
export interface Committable<Result> {
  readonly result: Result;
  /** `underLock.transactionId`. */
  readonly transactionId: string;
}

/** A transaction whose process hangs must not hold its locks for ever. */
export const idleInTransactionTimeoutMs = 10_000;
/** How long to ask for the outcome of a COMMIT whose answer was lost. */
const settleTimeoutMs = 5_000;
const settlePollMs = 50;

/**
 * One attempt: BEGIN, `work`, COMMIT. Whatever it throws, nothing is stored, OUTCOME_UNKNOWN excepted. What became of a
 * COMMIT whose answer was lost is asked over connections of `aside`, which no caller waits for.
 */
export async function runTransaction<Result>(
  db: Kysely<DB>,
  aside: Kysely<DB>,
  work: (transaction: Transaction<DB>) => Promise<Committable<Result>>,
  timeouts: TransactionTimeouts,
  deadline: Deadline,
): Promise<Result> {
  const attempt = await db.connection().execute(async (connection) => {
    // Here and not before: the wait for the connection may have been long.
    begin(deadline);
    return await workAndCommit(connection, work, timeouts);
  });
  if (attempt.lost !== undefined) {
    const settled = await settleTransaction(aside, attempt.transactionId);
    if (settled === "aborted") throw attempt.lost;
    if (settled === "unknown") throw new DomainError({ reason: "OUTCOME_UNKNOWN" }, { cause: attempt.lost });
  }
  return attempt.result;
}

/** Throws if nothing is stored; `lost` is the error of a COMMIT whose outcome is open. */
async function workAndCommit<Result>(
  connection: Kysely<DB>,
  work: (transaction: Transaction<DB>) => Promise<Committable<Result>>,
  timeouts: TransactionTimeouts,
): Promise<Committable<Result> & { readonly lost?: unknown }> {
  const transaction = await connection.startTransaction().setIsolationLevel("read committed").execute();
  let outcome: Committable<Result>;
  try {
    await setTimeouts(transaction, timeouts);
    outcome = await work(transaction);
  } catch (error) {
    await rollBack(transaction);
    throw error;
  }
  try {
    await transaction.commit().execute();
    return outcome;
  } catch (error) {
    await rollBack(transaction);
    if (isDefiniteRollback(error)) throw error;
    return { ...outcome, lost: error };
  }
}

/**
 * Inside the transaction: behind a transaction pooler, what is set for a session reaches other clients, and poolers may refuse
 * it at the start of a connection.
 */
async function setTimeouts(transaction: Transaction<DB>, timeouts: TransactionTimeouts): Promise<void> {
  await sql`select
    set_config('lock_timeout', ${String(timeouts.lockTimeoutMs)}, true),
    set_config('statement_timeout', ${String(timeouts.statementTimeoutMs)}, true),
    set_config('idle_in_transaction_session_timeout', ${String(idleInTransactionTimeoutMs)}, true)`.execute(
    transaction,
  );
}

/** Gives the connection back. One that cannot roll back is broken, and the server rolls back for it. */
async function rollBack(transaction: ControlledTransaction<DB>): Promise<void> {
  await transaction
    .rollback()
    .execute()
    .catch(() => {});
}

/**
 * How a transaction ended whose COMMIT's answer was lost. Asks on other connections until it is no longer in progress;
 * "unknown" if the database cannot tell in time.
 */
async function settleTransaction(db: Kysely<DB>, transactionId: string): Promise<"committed" | "aborted" | "unknown"> {
  const givesUpAt = performance.now() + settleTimeoutMs;
  while (performance.now() < givesUpAt) {
    const status = await transactionStatus(db, transactionId);
    if (status === "committed" || status === "aborted") return status;
    if (status === "forgotten") break;
    await delay(settlePollMs);
  }
  return "unknown";
}

/** Also if it cannot be asked. */
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
    // After a crash or failover it may be another transaction that committed under this id. If none has, ours has not.
    return (status === "committed" && !isSameServer ? undefined : status) ?? "forgotten";
  } catch (error) {
    if (!isFutureTransactionId(error)) return "unreachable";
    // A server that takes writes has never given the id: a failover has lost the transaction, and its COMMIT cannot come any
    // more. A standby may still receive it.
    return (await isInRecovery(db)) ? "unreachable" : "aborted";
  }
}
