import type { Kysely, Transaction } from "kysely";
import { sql } from "kysely";
import { type ChangeDeadline, type Deadline, requireAwaited } from "../domain/deadline.ts";
import type { Health } from "../domain/health.ts";
import type { ConcertId } from "../domain/ids.ts";
import { ignoreEvents, type Publish } from "../domain/publish.ts";
import { type Batches, createBatches } from "./batch/open.ts";
import { createPlaceFinder, type PlaceFinder } from "./booking-places.ts";
import type { PoolName, StoreEvents, TracedWork } from "./events.ts";
import { type MigrationResult, migrate } from "./migrate.ts";
import type { ConnectionOptions } from "./pool/client.ts";
import { createPreparedSupport, createServerActivity } from "./pool/connection.ts";
import { createDatabase, type Database, type DatabaseOptions } from "./pool/database.ts";
import { createProbe } from "./pool/probe.ts";
import { createSemaphore } from "./pool/semaphore.ts";
import { sharePool } from "./pool/shares.ts";
import { measureWait } from "./pool/wait.ts";
import { retryTransient } from "./retry.ts";
import { checkServer } from "./server-checks.ts";
import type { DB } from "./tables.ts";
import { runTransaction, type TransactionTimeouts } from "./transaction.ts";

/** Where the database is, and how to connect to it. */
export type DatabaseAddress = Omit<ConnectionOptions, "statementTimeoutMs">;

export interface StoreOptions extends DatabaseAddress, TransactionTimeouts {
  readonly poolSize: number;
  /** How often a transaction or read is retried after a transient failure. */
  readonly maxRetries: number;
  /** Whether PostgreSQL keeps parsed statements; poolers may not allow it. */
  readonly preparedStatements: boolean;
  readonly publish?: Publish<StoreEvents>;
}

/** The one way to the database: reads, and transactions whose outcome is certain. Both retry after transient failures. */
export interface Store {
  /** Whether the database is set up as the service needs it. Raises DatabaseSetupError; returns warnings. */
  check(): Promise<string[]>;
  /**
   * Applies the migrations that are missing. Raises MigrationError. When `signal` aborts, the migration's connection is
   * closed, and PostgreSQL rolls back.
   */
  migrate(signal?: AbortSignal): Promise<MigrationResult>;
  /**
   * Reads outside a transaction, each statement on its own snapshot. Reads share a part of the pool, so that batches and
   * transactions find connections.
   */
  read<Result>(work: (db: Kysely<DB>) => Promise<Result>, deadline: Deadline): Promise<Result>;
  /** Like `read`, for statements that scan many rows: on half of the connections that reads have. */
  search<Result>(work: (db: Kysely<DB>) => Promise<Result>, deadline: Deadline): Promise<Result>;
  /** Like `read`, for one statement that deletes old rows: repeating it does no harm. */
  clean<Result>(work: (db: Kysely<DB>) => Promise<Result>, deadline: Deadline): Promise<Result>;
  /**
   * Runs `work` in one READ COMMITTED transaction. Returns only after COMMIT has been acknowledged, or settled after its
   * response was lost. `work` may run several times. An error that it throws rolls back. Raises OUTCOME_UNKNOWN when the
   * transaction stays in doubt. `concertId` is the concert that it changes, or `noConcertYet`.
   */
  transact<Result>(
    concertId: ConcertId,
    work: (transaction: Transaction<DB>) => Promise<Result>,
    deadline: ChangeDeadline,
  ): Promise<Result>;
  /** Finds a booking's concert and owner. Many such reads at once are one statement. */
  readonly findPlace: PlaceFinder;
  /** Transactions that decide many bookings of one concert at once. */
  readonly batches: Batches;
  /** Resolves when the database answers. */
  ping(): Promise<void>;
  /** Whether the database takes writes, within a few seconds. Not to be called again before it has resolved. */
  probe(): Promise<Health>;
  /** Resolves with whether every connection closed by itself; see `Database.close`. */
  close(): Promise<boolean>;
}

/** Runs work when it has a place among the work of its kind. */
type Enter = ReturnType<typeof createSemaphore>["run"];

/** How much longer than a statement its response may take. */
const responseGraceMs = 3_000;

export function createStore(options: StoreOptions): Store {
  const { maxRetries, statementTimeoutMs, publish = ignoreEvents } = options;
  const activity = createServerActivity(publish);
  const prepared = createPreparedSupport(options.preparedStatements, publish);
  const traced = <Result>(kind: TracedWork["kind"], run: () => Promise<Result>, { trace }: Deadline) =>
    trace?.isSampled ? publishEnd(run, { trace, kind }, publish) : run();
  type Limits = Pick<DatabaseOptions, "statementTimeoutMs" | "answerTimeoutMs" | "onStatementError">;
  const shared = { ...options, statementTimeoutMs: undefined, activity, prepared, publish };
  const open = (pool: PoolName, poolSize: number, limits: Limits) =>
    createDatabase({ ...shared, pool, poolSize, ...limits });
  const answerTimeoutMs = statementTimeoutMs + responseGraceMs;
  const main = open("main", options.poolSize, { statementTimeoutMs, answerTimeoutMs });
  const shares = sharePool(options.poolSize);
  const readers = createSemaphore(shares.reads, activity.refusal);
  const searchers = createSemaphore(shares.searches, activity.refusal);
  const asSearch: Enter = (work, deadline) => searchers.run(() => readers.run(work, deadline), deadline);
  // For queries that must not wait behind callers: whether the database responds, and how a transaction in doubt ended.
  const aside = open("aside", 1, { answerTimeoutMs: responseGraceMs });
  const probing = open("aside", 1, { answerTimeoutMs: responseGraceMs });
  const retries = { maxRetries, publish };
  const transactions = { db: main.db, aside: aside.db, timeouts: options, publish };

  const runOn =
    (db: Kysely<DB>, enter: Enter) =>
    <Result>(work: (db: Kysely<DB>) => Promise<Result>, deadline: Deadline): Promise<Result> => {
      const attempt = (onConnected: () => void) => {
        const workIfAwaited = (connection: Kysely<DB>) => {
          onConnected();
          requireAwaited(deadline);
          return work(connection);
        };
        return enter(() => db.connection().execute(workIfAwaited), deadline);
      };
      const measured = () => measureWait("main", publish, attempt);
      return traced("read", () => retryTransient(measured, retries, deadline), deadline);
    };
  const read = runOn(main.reads.db, readers.run);

  return {
    read,
    // Connections for reads may be read-only.
    clean: runOn(main.db, readers.run),
    search: runOn(main.reads.db, asSearch),
    transact: (concertId, work, deadline) => {
      const attempt = () => runTransaction(transactions, concertId, work, deadline);
      return traced("transaction", () => retryTransient(attempt, retries, deadline), deadline);
    },
    findPlace: createPlaceFinder(read),
    batches: createBatches(main, options),
    check: () => checkServer(aside.db),
    // Without a time limit: a migration may take long.
    migrate: (signal) => migrateOver((limits) => open("aside", 1, limits), signal),
    ping: async () => {
      await sql`select 1`.execute(aside.db);
    },
    probe: createProbe(aside, probing),
    close: async () => {
      const closed = await Promise.all([main.close(), aside.close(), probing.close()]);
      return closed.every((isClosed) => isClosed);
    },
  };
}

/** Runs work of a traced call, and publishes its end. */
async function publishEnd<Result>(
  run: () => Promise<Result>,
  work: Pick<TracedWork, "trace" | "kind">,
  publish: Publish<StoreEvents>,
): Promise<Result> {
  const startedAtMs = performance.now();
  let failure: unknown;
  try {
    return await run();
  } catch (error) {
    failure = error;
    throw error;
  } finally {
    publish("store.traced_work", { ...work, startedAtMs, error: failure });
  }
}

/** Migrates over a separate connection, which is closed afterwards, and when the signal aborts. */
async function migrateOver(
  open: (limits: Pick<DatabaseOptions, "onStatementError">) => Pick<Database, "db" | "close">,
  signal: AbortSignal | undefined,
): Promise<MigrationResult> {
  signal?.throwIfAborted();
  let firstError: unknown;
  const { db, close } = open({
    onStatementError: (error) => {
      firstError ??= error;
    },
  });
  signal?.addEventListener("abort", close);
  try {
    return await migrate(db, () => firstError);
  } finally {
    signal?.removeEventListener("abort", close);
    await close();
  }
}
