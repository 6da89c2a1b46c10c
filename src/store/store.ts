import type { Kysely, Transaction } from "kysely";
import { sql } from "kysely";
import type { Deadline } from "../domain/deadline.ts";
import { createDatabase, type DatabaseOptions } from "./database.ts";
import { migrate } from "./migrate.ts";
import { retryTransient } from "./retry.ts";
import type { DB } from "./tables.ts";
import { type Committable, runTransaction, type TransactionTimeouts } from "./transaction.ts";

export interface StoreOptions extends DatabaseOptions, TransactionTimeouts {
  /** How often a transaction or read is repeated after a transient failure. */
  readonly maxRetries: number;
}

/** The one way to the database: reads, and transactions that end as said. Both retry what is worth retrying. */
export interface Store {
  /** Applies the migrations that are missing and returns their names. */
  migrate(): Promise<string[]>;
  /** Reads outside a transaction, each statement on its own snapshot. */
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
  /** Resolves when the database answers. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

export function createStore(options: StoreOptions, onConnectionError: (error: Error) => void): Store {
  const { db, close } = createDatabase(options, onConnectionError);
  return {
    read: (work, deadline) => retryTransient(() => work(db), options.maxRetries, deadline),
    transact: (work, deadline) =>
      retryTransient(() => runTransaction(db, work, options, deadline), options.maxRetries, deadline),
    migrate: () => migrate(db),
    ping: async () => {
      await sql`select 1`.execute(db);
    },
    close,
  };
}
