import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { type ControlledTransaction, type Kysely, sql, type Transaction } from "kysely";
import { type ChangeDeadline, requireAwaited } from "../domain/deadline.ts";
import { DomainError } from "../domain/failure.ts";
import type { ConcertId } from "../domain/ids.ts";
import type { Publish } from "../domain/publish.ts";
import type { StoreEvents } from "./events.ts";
import { measureWait } from "./pool/wait.ts";
import { asFailure, isDefiniteRollback } from "./sqlstate.ts";
import type { DB } from "./tables.ts";
import { nowUnderLock } from "./values.ts";

export interface TransactionTimeouts {
  /** How long one statement may wait for a lock. */
  readonly lockTimeoutMs: number;
  /** How long one statement may take in all. */
  readonly statementTimeoutMs: number;
}

/** PostgreSQL ends a transaction whose process hangs after this time, so that it does not hold its locks for ever. */
export const idleInTransactionTimeoutMs = 10_000;
/** How long to look for a transaction whose response to COMMIT was lost. A failover takes a few seconds. */
const settleTimeoutMs = 5_000;
const settlePollMs = 50;
/** Short, since the connections aside also serve health checks. */
const settleTimeouts: TransactionTimeouts = { lockTimeoutMs: 500, statementTimeoutMs: 1_000 };

/** Where transactions run. */
interface TransactionContext {
  readonly db: Kysely<DB>;
  /** Connections that no caller waits for, to settle transactions in doubt. */
  readonly aside: Kysely<DB>;
  readonly timeouts: TransactionTimeouts;
  readonly publish: Publish<StoreEvents>;
}

/** A row that a transaction inserts first of all. It is there for others exactly if the transaction has committed. */
interface Mark {
  /** By which the row's place is chosen where the tables are sharded. */
  readonly concertId: ConcertId;
  readonly id: string;
}

/**
 * One attempt: BEGIN, the transaction's mark, `work`, COMMIT. Whatever it throws, nothing is stored, OUTCOME_UNKNOWN
 * excepted.
 */
export async function runTransaction<Result>(
  { db, aside, timeouts, publish }: TransactionContext,
  concertId: ConcertId,
  work: (transaction: Transaction<DB>) => Promise<Result>,
  deadline: ChangeDeadline,
): Promise<Result> {
  const mark: Mark = { concertId, id: randomUUID() };
  const markAndWork = async (transaction: Transaction<DB>) => {
    await setTimeouts(transaction, timeouts);
    await insertMark(transaction, mark);
    return await work(transaction);
  };
  const begun = measureWait("main", publish, (onConnected) =>
    db.connection().execute(async (connection) => {
      onConnected();
      // Here and not before: the wait for the connection may have been long.
      requireAwaited(deadline);
      deadline.onProgress("begun");
      return await workAndCommit(connection, markAndWork);
    }),
  );
  const attempt = await begun.catch((error) => {
    deadline.onProgress("waiting");
    throw error;
  });
  if (attempt.lost === undefined) return attempt.result;
  publish("store.commit_in_doubt", { error: attempt.lost });
  const isStored = await settle(aside, mark, publish).catch((cause) => {
    publish("store.commit_settled", { outcome: "unknown" });
    throw new DomainError({ reason: "OUTCOME_UNKNOWN" }, { cause });
  });
  publish("store.commit_settled", { outcome: isStored ? "committed" : "aborted" });
  if (isStored) return attempt.result;
  deadline.onProgress("waiting");
  throw attempt.lost;
}

interface Attempt<Result> {
  readonly result: Result;
  /** The error of a COMMIT whose outcome is in doubt. */
  readonly lost?: unknown;
}

/** Throws if nothing is stored. */
async function workAndCommit<Result>(
  connection: Kysely<DB>,
  work: (transaction: Transaction<DB>) => Promise<Result>,
): Promise<Attempt<Result>> {
  const transaction = await begin(connection);
  let result: Result;
  try {
    result = await work(transaction);
  } catch (error) {
    await rollBack(transaction);
    throw error;
  }
  try {
    await transaction.commit().execute();
    return { result };
  } catch (error) {
    await rollBack(transaction);
    if (isDefiniteRollback(error)) throw error;
    return { result, lost: error };
  }
}

function begin(connection: Kysely<DB>): Promise<ControlledTransaction<DB>> {
  return connection.startTransaction().setIsolationLevel("read committed").execute();
}

/**
 * Sets the time limits inside the transaction: behind a transaction pooler a session's settings reach other clients, and
 * poolers may refuse them at the start of a connection.
 */
async function setTimeouts(transaction: Transaction<DB>, timeouts: TransactionTimeouts): Promise<void> {
  await sql`select
    set_config('lock_timeout', ${String(timeouts.lockTimeoutMs)}, true),
    set_config('statement_timeout', ${String(timeouts.statementTimeoutMs)}, true),
    set_config('idle_in_transaction_session_timeout', ${String(idleInTransactionTimeoutMs)}, true)`.execute(
    transaction,
  );
}

/** Gives the connection back. If it is too broken to roll back, the server does. */
async function rollBack(transaction: ControlledTransaction<DB>): Promise<void> {
  await transaction
    .rollback()
    .execute()
    .catch(() => {});
}

/** Returns false if the mark is there already. Waits for a transaction that has inserted it and has not ended. */
async function insertMark(transaction: Transaction<DB>, { concertId, id }: Mark): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await transaction
    .insertInto("batches")
    .values({ concert_id: concertId, id, committed_at: nowUnderLock })
    .onConflict((conflict) => conflict.columns(["concert_id", "id"]).doNothing())
    .executeTakeFirstOrThrow();
  return numInsertedOrUpdatedRows === 1n;
}

/**
 * Whether the transaction with this mark is stored. Throws if no server that takes writes can be reached in time, or if the
 * transaction does not end in time.
 *
 * The evidence is the mark. To insert it once more waits until the transaction in doubt has ended, so on its own server its
 * COMMIT cannot take effect afterwards. A server that took over in a failover, or recovered from a crash, has replayed all
 * that it will ever have of the old history before it accepts writes: the mark is in it or never will be. A standby accepts
 * none, so it is not taken for such a server. The transaction's id is no evidence: a new history assigns the same ids to
 * other transactions, and a pooler or a distributed coordinator may ask a server that has never seen it.
 */
async function settle(aside: Kysely<DB>, mark: Mark, publish: Publish<StoreEvents>): Promise<boolean> {
  const givesUpAtMs = performance.now() + settleTimeoutMs;
  for (;;) {
    try {
      return await measureWait("aside", publish, (onConnected) =>
        aside.connection().execute((connection) => {
          onConnected();
          return isMarkTaken(connection, mark);
        }),
      );
    } catch (error) {
      const isUnavailable = asFailure(error) instanceof DomainError;
      if (!isUnavailable || performance.now() >= givesUpAtMs) throw error;
    }
    await delay(settlePollMs);
  }
}

async function isMarkTaken(connection: Kysely<DB>, mark: Mark): Promise<boolean> {
  const transaction = await begin(connection);
  try {
    await setTimeouts(transaction, settleTimeouts);
    return !(await insertMark(transaction, mark));
  } finally {
    await rollBack(transaction);
  }
}
