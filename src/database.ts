/** What one process does before any can serve: it opens the database, checks it, migrates it, and fills it with demo data. */
import type { Logger } from "pino";
import { embeddedStopMs } from "./close-limits.ts";
import { createDemoConcerts } from "./concerts/demo.ts";
import type { Config } from "./config/load.ts";
import { createHost, type Host } from "./host.ts";
import { startEmbeddedDatabase } from "./store/embedded.ts";
import { createStore, type DatabaseAddress, type Store } from "./store/store.ts";
import { waitForDatabase } from "./store/wait-for-database.ts";

/** The database, as the process that owns it sees it. */
export interface OpenDatabase {
  readonly store: Store;
  /** For the stores of other processes. It contains the password. */
  readonly address: DatabaseAddress;
  /** Resolves with the reason if an embedded database ends unexpectedly. */
  readonly failed: Promise<Error>;
}

/** Brings the database's schema up to date and ends. A migration in progress is rolled back when `signal` aborts. */
export async function migrateDatabase(config: Config, logger: Logger, signal: AbortSignal): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const { store } = await openDatabase(config, createHost(config, logger, signal, stack));
  await migrate(store, logger, signal);
}

/** Opens the database and makes it ready to serve from. */
export async function prepareDatabase(config: Config, host: Host): Promise<OpenDatabase> {
  const database = await openDatabase(config, host);
  await migrate(database.store, host.logger, host.signal);
  await fillWithDemo(config, database.store, host.logger);
  return database;
}

/** Connects to the external database, or starts the embedded one. Rejects with an OperatorError. */
export async function openDatabase(config: Config, host: Host): Promise<OpenDatabase> {
  const { database } = config;
  const { logger, signal, stack } = host;
  const { promise: failed, resolve: fail } = Promise.withResolvers<Error>();
  if (database.kind === "external") {
    const store = openStore(config, database, host);
    await waitForDatabase(store, { ...database, waitMs: config.waitForDbMs, signal });
    for (const warning of await store.check()) logger.warn(warning);
    return { store, address: database, failed };
  }
  const log = (message: string, fields = {}) => logger.info(fields, message);
  const limits = { stopTimeoutMs: embeddedStopMs };
  const embedded = stack.use(await startEmbeddedDatabase({ dataDir: database.dataDir, ...limits, log, signal }));
  void embedded.exited.then((error) => error && fail(error));
  const { user: username, database: name, ...where } = embedded.connection;
  const address = { ...where, username, name, sslMode: "disable" } as const;
  return { store: openStore(config, address, host), address, failed };
}

/** Opens a pool of connections, which the host's stack closes. */
export function openStore(config: Config, address: DatabaseAddress, { publish, stack }: Host): Store {
  const { maxRetries, lockTimeoutMs, statementTimeoutMs } = config;
  const store = createStore({
    ...{ ...address, maxRetries, lockTimeoutMs, statementTimeoutMs, poolSize: config.databasePoolSize },
    preparedStatements: config.databasePreparedStatements,
    publish,
  });
  stack.defer(async () => void (await store.close()));
  return store;
}

/** How often a migration that waits, or takes long, is logged. */
const migrationNoticeMs = 5_000;

async function migrate(store: Store, logger: Logger, signal: AbortSignal): Promise<void> {
  const notice = setInterval(() => {
    logger.info("the migration is not finished: another instance may be migrating, or a transaction may hold a lock");
  }, migrationNoticeMs);
  const { applied, later } = await store.migrate(signal).finally(() => clearInterval(notice));
  logger.info({ applied }, applied.length > 0 ? "migrated the database" : "the database is up to date");
  if (later.length > 0) logger.warn({ later }, "a later version has migrated the database: update this process");
}

async function fillWithDemo({ database }: Config, store: Store, logger: Logger): Promise<void> {
  if (database.kind !== "embedded" || !database.demoData) return;
  const created = await createDemoConcerts(store, Temporal.Now.instant());
  if (created > 0) logger.info({ concerts: created }, "created demo concerts to try it with");
}
