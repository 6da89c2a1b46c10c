import type { Kysely, Transaction } from "kysely";
import { sql } from "kysely";
import type { Booking, BookingKey } from "../domain/booking.ts";
import { type Deadline, requireAwaited } from "../domain/deadline.ts";
import type { Health } from "../domain/health.ts";
import { createAnswers } from "./answers.ts";
import { type BatchQuery, findBookingsByKeys, type OpenBatch, openBatch } from "./batch/batch.ts";
import type { ConnectionOptions } from "./client.ts";
import { createDatabase, type DatabaseOptions } from "./database.ts";
import { migrate } from "./migrate.ts";
import { sharePool } from "./pool-shares.ts";
import { createPreparedSupport } from "./prepared-support.ts";
import { createProbe } from "./probe.ts";
import { retryTransient } from "./retry.ts";
import { createGate } from "./semaphore.ts";
import { checkServer } from "./server-checks.ts";
import type { DB } from "./tables.ts";
import { type Committable, runTransaction, type TransactionTimeouts } from "./transaction.ts";

export interface StoreOptions extends Omit<ConnectionOptions, "statementTimeoutMs">, TransactionTimeouts {
  readonly poolSize: number;
  /** How often a transaction or read is repeated after a transient failure. */
  readonly maxRetries: number;
  /** Whether PostgreSQL keeps parsed statements; poolers may not allow it. */
  readonly preparedStatements: boolean;
  /** Called once, when prepared statements turn out not to be kept and are given up. */
  readonly onPreparedLost?: ((error: unknown) => void) | undefined;
}

/** The one way to the database: reads, and transactions that end as said. Both retry what is worth retrying. */
export interface Store {
  /** Whether the database is set up as the service needs it. Raises DatabaseSetupError; returns warnings. */
  check(): Promise<string[]>;
  /**
   * Applies the migrations that are missing and returns their names. Raises MigrationError. When `signal` aborts, the
   * migration's connection is closed, and PostgreSQL rolls back.
   */
  migrate(signal?: AbortSignal): Promise<string[]>;
  /** Reads outside a transaction, each statement on its own snapshot. So many at once, for the others to find connections. */
  read<Result>(work: (db: Kysely<DB>) => Promise<Result>, deadline: Deadline): Promise<Result>;
  /** Like `read`, for what looks through many rows: on half of the connections that reads have. */
  search<Result>(work: (db: Kysely<DB>) => Promise<Result>, deadline: Deadline): Promise<Result>;
  /**
   * Runs `work` in one READ COMMITTED transaction and answers only after COMMIT has been acknowledged, or settled after
   * its answer was lost. `work` may run several times; what it throws rolls back. Raises OUTCOME_UNKNOWN when nobody can
   * tell whether the transaction committed.
   */
  transact<Result>(
    work: (transaction: Transaction<DB>) => Promise<Committable<Result>>,
    deadline: Deadline,
  ): Promise<Result>;
  /** Transactions that decide many bookings of one concert at once. */
  readonly batches: {
    open(query: BatchQuery): Promise<OpenBatch>;
    find(concertId: bigint, keys: readonly BookingKey[]): Promise<Booking[]>;
  };
  /** Resolves when the database answers. */
  ping(): Promise<void>;
  /** Whether the database takes writes, within a few seconds. Not to be called again before it has resolved. */
  probe(): Promise<Health>;
  /** Resolves with whether every connection closed by itself; see `Database.close`. */
  close(): Promise<boolean>;
}

/** How much longer than a statement may take its answer may be on its way. */
const answerGraceMs = 3_000;

export function createStore(options: StoreOptions, onConnectionError: (error: Error) => void): Store {
  const { maxRetries, statementTimeoutMs } = options;
  const answers = createAnswers();
  const prepared = createPreparedSupport(options.preparedStatements, (error) => options.onPreparedLost?.(error));
  type Limits = Pick<DatabaseOptions, "poolSize" | "statementTimeoutMs" | "answerTimeoutMs" | "onStatementError">;
  const open = (limits: Limits) =>
    createDatabase({ ...options, statementTimeoutMs: undefined, answers, prepared, ...limits }, onConnectionError);
  const answerTimeoutMs = statementTimeoutMs + answerGraceMs;
  const main = open({ poolSize: options.poolSize, statementTimeoutMs, answerTimeoutMs });
  // However many read, they leave connections to batches and transactions, which share the pool with them.
  const shares = sharePool(options.poolSize);
  const readers = createGate(shares.reads, answers.refusal);
  const searchers = createGate(shares.searches, answers.refusal);
  // For questions that must not wait behind callers: whether the database is there, and what became of a transaction.
  const aside = open({ poolSize: 1, answerTimeoutMs: answerGraceMs });
  const probing = open({ poolSize: 1, answerTimeoutMs: answerGraceMs });
  const store: Store = {
    read: (work, deadline) => {
      const readIfAwaited = (connection: Kysely<DB>) => {
        // A caller that gave up in the queue must not cost the others.
        requireAwaited(deadline);
        return work(connection);
      };
      const attempt = () => readers.pass(() => main.reads.db.connection().execute(readIfAwaited), deadline);
      return retryTransient(attempt, maxRetries, deadline);
    },
    search: (work, deadline) => searchers.pass(() => store.read(work, deadline), deadline),
    transact: async (work, deadline) => {
      const attempt = () => runTransaction(main.db, aside.db, work, options, deadline);
      return await retryTransient(attempt, maxRetries, deadline);
    },
    batches: {
      open: (query) => openBatch(main, query, options),
      find: (concertId, keys) => findBookingsByKeys(main.reads, concertId, keys),
    },
    check: () => checkServer(aside.db),
    migrate: async (signal) => {
      signal?.throwIfAborted();
      // No limit for an answer: a migration may take long, and so may the wait for another instance's. The migrator reports
      // the last error of a failed migration, and the first one is its cause.
      let firstError: unknown;
      const onStatementError = (error: unknown) => {
        firstError ??= error;
      };
      const { db, close } = open({ poolSize: 1, onStatementError });
      signal?.addEventListener("abort", close);
      try {
        return await migrate(db, () => firstError);
      } finally {
        signal?.removeEventListener("abort", close);
        await close();
      }
    },
    ping: async () => {
      await sql`select 1`.execute(aside.db);
    },
    probe: createProbe(aside, probing),
    close: async () => {
      const closed = await Promise.all([main.close(), aside.close(), probing.close()]);
      return closed.every((isClosed) => isClosed);
    },
  };
  return store;
}
