import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import type { Config } from "./config/load.ts";
import type { Publish } from "./domain/publish.ts";
import { startEmbeddedPostgres } from "./postgres/embedded.ts";
import type { StoreEvents } from "./store/events.ts";
import { ConnectFailure, DatabaseSetupError } from "./store/sqlstate.ts";
import { createStore, type Store } from "./store/store.ts";
import { createEventHub } from "./telemetry/events.ts";

export { DatabaseSetupError };

/** The database that the configuration asks for, reached and ready for statements. */
export interface OpenDatabase {
  readonly store: Store;
  /** Resolves with the reason if an embedded database ends by itself. */
  readonly failed: Promise<Error>;
  /** Closes the pool, then stops an embedded database. Resolves with whether every connection closed by itself. */
  close(): Promise<boolean>;
}

/** The database cannot be reached: a sentence for a person, who can mend it. */
export class DatabaseUnreachableError extends Error {
  override readonly name = "DatabaseUnreachableError";
}

const pollMs = 500;

/**
 * Opens the external database, or starts the embedded one. Raises DatabaseUnreachableError, DatabaseSetupError or
 * EmbeddedPostgresError.
 */
export async function openDatabase(config: Config, logger: Logger, signal: AbortSignal): Promise<OpenDatabase> {
  if (config.database.kind === "external") {
    const { kind: _, ...connection } = config.database;
    const store = openStore(config, connection, logger);
    try {
      await waitForDatabase(store, config, signal);
      for (const warning of await store.check()) logger.warn(warning);
    } catch (error) {
      await store.close();
      throw error;
    }
    const failed = Promise.withResolvers<Error>().promise;
    return { store, failed, close: () => store.close() };
  }
  const embedded = await startEmbeddedPostgres({
    dataDir: config.database.dataDir,
    log: (message, fields) => logger.info(fields ?? {}, message),
    signal,
  });
  const { host, port, user: username, password, database: name } = embedded.connection;
  const store = openStore(config, { host, port, username, password, name, sslMode: "disable" }, logger);
  return {
    store,
    failed: new Promise((resolve) => void embedded.exited.then((error) => error && resolve(error))),
    close: () => store.close().finally(() => embedded.stop()),
  };
}

type Connection = Omit<
  Parameters<typeof createStore>[0],
  "poolSize" | "maxRetries" | "lockTimeoutMs" | "statementTimeoutMs" | "preparedStatements" | "publish"
>;

function openStore(config: Config, connection: Connection, logger: Logger): Store {
  const { maxRetries, lockTimeoutMs, statementTimeoutMs, databasePoolSize: poolSize } = config;
  return createStore({
    ...connection,
    poolSize,
    maxRetries,
    lockTimeoutMs,
    statementTimeoutMs,
    preparedStatements: config.databasePreparedStatements,
    publish: logStoreEvents(logger),
  });
}

function logStoreEvents(logger: Logger): Publish<StoreEvents> {
  const { publish, subscribe } = createEventHub<StoreEvents>((error) =>
    logger.error({ err: error }, "an observer failed"),
  );
  subscribe("store.connection_lost", ({ error }) => logger.warn({ err: error }, "an idle database connection broke"));
  subscribe("store.prepared_statement_lost", ({ error }) =>
    logger.warn(
      { err: error },
      "a prepared statement was lost, as behind a pooler that keeps none: from now on statements are not prepared; " +
        "set APP_DATABASE_PREPARED_STATEMENTS=false",
    ),
  );
  return publish;
}

async function waitForDatabase(store: Store, config: Config, signal: AbortSignal): Promise<void> {
  const givesUpAt = performance.now() + (config.waitForDbMs ?? 0);
  for (;;) {
    try {
      return await store.ping();
    } catch (cause) {
      if (performance.now() >= givesUpAt) throw unreachable(config, cause);
      await delay(pollMs, undefined, { signal });
    }
  }
}

function unreachable({ database, waitForDbMs }: Config, failure: unknown): DatabaseUnreachableError {
  const cause = failure instanceof ConnectFailure ? failure.cause : failure;
  const where = database.kind === "external" ? `${database.host}:${database.port}` : "";
  const why = cause instanceof AggregateError ? cause.errors.map(messageOf).join("; ") : messageOf(cause);
  const hint = waitForDbMs === undefined ? "; to wait until it is up, use --wait-for-db" : ` within ${waitForDbMs} ms`;
  return new DatabaseUnreachableError(`cannot reach the database at ${where} (${why})${hint}`, { cause });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
