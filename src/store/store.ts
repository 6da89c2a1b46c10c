import type { Kysely, Transaction } from "kysely";
import { sql } from "kysely";
import type { Booking, BookingKey } from "../domain/booking.ts";
import { type Deadline, requireAwaited } from "../domain/deadline.ts";
import { type BatchOptions, type BatchQuery, findBookingsByKeys, type OpenBatch, openBatch } from "./booking-batch.ts";
import { createDatabase, type DatabaseOptions } from "./database.ts";
import { createGate } from "./gate.ts";
import { migrate } from "./migrate.ts";
import { sharePool } from "./pool-shares.ts";
import { retryTransient } from "./retry.ts";
import { requireServerVersion } from "./server-version.ts";
import type { DB } from "./tables.ts";
import { type Committable, runTransaction } from "./transaction.ts";

export interface StoreOptions extends Omit<DatabaseOptions, "statementTimeoutMs">, BatchOptions {
  /** How often a transaction or read is repeated after a transient failure. */
  readonly maxRetries: number;
}

/** The one way to the database: reads, and transactions that end as said. Both retry what is worth retrying. */
export interface Store {
  /** Applies the migrations that are missing and returns their names. Raises ServerVersionError on an old server. */
  migrate(): Promise<string[]>;
  /** Reads outside a transaction, each statement on its own snapshot. So many at once, for the others to find connections. */
  read<Result>(work: (db: Kysely<DB>) => Promise<Result>, deadline: Deadline): Promise<Result>;
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
  close(): Promise<void>;
}

/** How much longer than a statement may take its answer may be on its way. */
const answerGraceMs = 3_000;

export function createStore(options: StoreOptions, onConnectionError: (error: Error) => void): Store {
  const { maxRetries, statementTimeoutMs } = options;
  const open = (limits: Pick<DatabaseOptions, "poolSize" | "statementTimeoutMs" | "answerTimeoutMs">) =>
    createDatabase({ ...options, statementTimeoutMs: undefined, ...limits }, onConnectionError);
  const answerTimeoutMs = statementTimeoutMs + answerGraceMs;
  const main = open({ poolSize: options.poolSize, statementTimeoutMs, answerTimeoutMs });
  // However many read, they leave connections to batches and transactions, which share the pool with them.
  const readers = createGate(sharePool(options.poolSize).reads);
  // For questions that must not wait behind callers: whether the database is there, and what became of a transaction.
  const aside = open({ poolSize: 1, answerTimeoutMs: answerGraceMs });
  return {
    read: (work, deadline) => {
      const readIfAwaited = (connection: Kysely<DB>) => {
        // Those who gave up in the queue must not cost the others.
        requireAwaited(deadline);
        return work(connection);
      };
      const attempt = () => readers.pass(() => main.db.connection().execute(readIfAwaited), deadline);
      return retryTransient(attempt, maxRetries, deadline);
    },
    transact: async (work, deadline) => {
      const attempt = () => runTransaction(main.db, aside.db, work, options, deadline);
      return await retryTransient(attempt, maxRetries, deadline);
    },
    batches: {
      open: (query) => openBatch(main, query, options),
      find: (concertId, keys) => findBookingsByKeys(main, concertId, keys, options),
    },
    migrate: async () => {
      // A migration may take long, and so may the wait for another instance's.
      const { db, close } = open({ poolSize: 1 });
      try {
        await requireServerVersion(db);
        return await migrate(db);
      } finally {
        await close();
      }
    },
    ping: async () => {
      await sql`select 1`.execute(aside.db);
    },
    close: async () => {
      await Promise.all([main.close(), aside.close()]);
    },
  };
}
