import { setTimeout as delay } from "node:timers/promises";
import { type ControlledTransaction, type Kysely, sql, type Transaction } from "kysely";
import { begin, type Deadline } from "../domain/deadline.ts";
import { DomainError } from "../domain/errors.ts";
import { isDefiniteRollback } from "./database-errors.ts";
import type { DB } from "./tables.ts";

export interface TransactionTimeouts {
  /** How long one statement may wait for a lock. */
  readonly lockTimeoutMs: number;
  /** How long one statement may take in all. */
  readonly statementTimeoutMs: number;
}

/** What a transaction has to answer once it is committed, and the id to ask for if COMMIT's answer is lost. */
export interface Committable<Result> {
  readonly result: Result;
  /** `pg_current_xact_id()`, read under the lock. */
  readonly transactionId: string;
}

/** A transaction whose process hangs must not hold its locks for ever. */
const idleInTransactionTimeoutMs = 10_000;
/** How long to ask for the outcome of a COMMIT whose answer was lost. */
const settleTimeoutMs = 5_000;
const settlePollMs = 50;

/** One attempt: BEGIN, `work`, COMMIT. Whatever it throws, nothing is stored, OUTCOME_UNKNOWN excepted. */
export async function runTransaction<Result>(
  db: Kysely<DB>,
  work: (transaction: Transaction<DB>) => Promise<Committable<Result>>,
  timeouts: TransactionTimeouts,
  deadline: Deadline,
): Promise<Result> {
  const transaction = await db.startTransaction().setIsolationLevel("read committed").execute();
  let outcome: Committable<Result>;
  try {
    begin(deadline);
    await setTimeouts(transaction, timeouts);
    outcome = await work(transaction);
  } catch (error) {
    await rollBack(transaction);
    throw error;
  }
  try {
    await transaction.commit().execute();
  } catch (error) {
    await rollBack(transaction);
    if (isDefiniteRollback(error)) throw error;
    await settle(db, outcome.transactionId, error);
  }
  return outcome.result;
}

/** Inside the transaction, since poolers refuse these as connection options. */
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
 * After a COMMIT whose answer was lost: returns if it committed, throws the lost connection's error (transient, nothing
 * stored) if it did not, and OUTCOME_UNKNOWN if the database cannot tell in time.
 */
async function settle(db: Kysely<DB>, transactionId: string, lost: unknown): Promise<void> {
  const givesUpAt = performance.now() + settleTimeoutMs;
  while (performance.now() < givesUpAt) {
    const status = await transactionStatus(db, transactionId);
    if (status === "committed") return;
    if (status === "aborted") throw lost;
    if (status === "forgotten") break;
    await delay(settlePollMs);
  }
  throw new DomainError({ reason: "OUTCOME_UNKNOWN" }, { cause: lost });
}

type TransactionStatus = "committed" | "aborted" | "in progress" | "forgotten" | "unreachable";

async function transactionStatus(db: Kysely<DB>, transactionId: string): Promise<TransactionStatus> {
  try {
    const { rows } = await sql<{ status: "committed" | "aborted" | "in progress" | null }>`
      select pg_xact_status(${transactionId}::xid8) as status`.execute(db);
    return rows[0]?.status ?? "forgotten";
  } catch {
    return "unreachable";
  }
}
