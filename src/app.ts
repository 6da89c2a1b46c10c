/** The composition root: what the service consists of, in the order of its start. The stop is the reverse. */
import type { Logger } from "pino";
import { type BookingEngine, createBookingEngine } from "./booking/engine.ts";
import { startInventoryCheck } from "./booking/inventory.ts";
import { startRetention } from "./booking/retention.ts";
import { startSweeper } from "./booking/sweeper.ts";
import { createConcertCache } from "./concerts/cache.ts";
import { createCatalogue } from "./concerts/catalogue.ts";
import { createDemoConcerts } from "./concerts/demo.ts";
import type { Config } from "./config/load.ts";
import { settlesWithin } from "./domain/clock.ts";
import type { Concert } from "./domain/concert.ts";
import type { ConcertId } from "./domain/ids.ts";
import type { Publish } from "./domain/publish.ts";
import { openMetrics } from "./open-metrics.ts";
import { portError } from "./port-error.ts";
import { bindBookingService } from "./rpc/booking-service.ts";
import { bindConcertService } from "./rpc/concert-service.ts";
import { openGuards } from "./rpc/guards.ts";
import { shuttingDown } from "./rpc/status.ts";
import { startEmbeddedDatabase } from "./store/embedded.ts";
import { sharePool } from "./store/pool/shares.ts";
import { createStore, type DatabaseAddress, type Store } from "./store/store.ts";
import { waitForDatabase } from "./store/wait-for-database.ts";
import { type AppEvents, createEventHub, type EventHub } from "./telemetry/events.ts";
import { logEvents } from "./telemetry/log-events.ts";
import { openTracing } from "./telemetry/tracing/index.ts";
import { createHttpApp } from "./transport/http.ts";
import { createConnectionLimit } from "./transport/listener/connection-limit.ts";
import { drain, type Listener, type ListenOptions, listen } from "./transport/listener/listen.ts";
import { createReadiness } from "./transport/readiness.ts";

/** The running service. */
export interface App {
  readonly restPort: number;
  readonly grpcPort: number;
  /** The port of /metrics; undefined if it is off. */
  readonly metricsPort: number | undefined;
  /** Resolves with the reason if the service cannot go on. */
  readonly failed: Promise<Error>;
  /** How many changes of bookings wait for their turn at this moment. */
  queuedRequests(): number;
  /**
   * Shuts down: readiness goes down, calls are served for APP_SHUTDOWN_DELAY more (not if `atOnce`), calls in flight finish,
   * then the pool closes, then an embedded database stops. Each step has a limit. Resolves with whether all work had ended
   * and every database connection was closed in order.
   */
  close(options?: { readonly atOnce: boolean }): Promise<boolean>;
}

/** What the parts of the service get from the process, and the stack that owns them. */
export interface Host extends EventHub<AppEvents> {
  readonly logger: Logger;
  /** Cancels the start. */
  readonly signal: AbortSignal;
  readonly stack: AsyncDisposableStack;
}

/** How much longer than the grace period work may take after its callers have been answered. */
const lastWorkMs = 3_000;

/** Brings the database's schema up to date and ends. A migration in progress is rolled back when `signal` aborts. */
export async function migrateDatabase(config: Config, logger: Logger, signal: AbortSignal): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const { store } = await openDatabase(config, createHost(config, logger, signal, stack));
  await migrate(store, logger, signal);
}

/** Starts the service. If a part fails to start, those that have started are stopped. */
export async function startApp(config: Config, logger: Logger, signal: AbortSignal): Promise<App> {
  await using starting = new AsyncDisposableStack();
  const host = createHost(config, logger, signal, starting);
  const { publish } = host;
  const beginTrace = await openTracing(config.tracing, host, starting);
  const metrics = await openMetrics(config, host);
  metrics?.watchWorkers({ running: () => 1, restarts: () => 0 });
  const { store, failed } = await openDatabase(config, host);
  if (config.database.kind === "embedded") metrics?.watchEmbedded(failed);
  await migrate(store, logger, signal);
  await fillWithDemo(config, store, logger);

  const { services, engine } = createServices(config, store, publish);
  let isIdle = true;
  let graceEndsAtMs = 0;
  const inBackground = [startSweeper(store, engine, publish), startRetention(store, config, publish)];
  starting.defer(async () => {
    // Batches whose callers have been answered, lost COMMITs that are being settled, and a sweep that waits for a dead network.
    const ended = Promise.all([engine.idle(), ...inBackground.map((work) => work[Symbol.asyncDispose]())]);
    isIdle = await settlesWithin(ended, Math.max(0, graceEndsAtMs - performance.now()) + lastWorkMs);
  });

  if (metrics) starting.use(startInventoryCheck(store, publish));

  const readiness = createReadiness({ probe: () => store.probe(), publish });
  starting.defer(() => readiness.close());
  const descriptions = services.map(({ service }) => service);
  const { draining } = readiness;
  const guardOptions = { services: descriptions, publish, draining, beginTrace, stack: starting };
  const { interceptors, ...load } = await openGuards(config, guardOptions);
  metrics?.addServices(descriptions);
  metrics?.read({ ...load, queuedRequests: () => engine.queuedRequests() });
  const shutdown = new AbortController();
  const http = await createHttpApp({
    ...config,
    loopbackOnly: config.whyLoopback !== undefined,
    ...{ services, interceptors, readiness, publish, logger, shutdownSignal: shutdown.signal },
  });
  starting.defer(() => http.close());

  const [rest, grpc] = await openListeners(config, http.routing, host);
  let delayMs = config.shutdownDelayMs;
  starting.defer(async () => {
    readiness.announceDrain();
    // A database that has failed leaves nothing to serve.
    if (delayMs > 0) await settlesWithin(failed, delayMs);
    readiness.drain();
    graceEndsAtMs = performance.now() + config.shutdownTimeoutMs;
    await drain([rest, grpc], config.shutdownTimeoutMs, () => {
      const fields = { timeout_ms: config.shutdownTimeoutMs };
      logger.warn(fields, "calls were still in flight when the shutdown's time was up");
      shutdown.abort(shuttingDown());
    });
  });
  await readiness.started();

  const stack = starting.move();
  const stop = async () => {
    await stack.disposeAsync();
    // It is closed: this says how.
    return (await store.close()) && isIdle;
  };
  let stopped: Promise<boolean> | undefined;
  return {
    restPort: rest.port,
    grpcPort: grpc.port,
    metricsPort: metrics?.port,
    failed,
    queuedRequests: () => engine.queuedRequests(),
    close: ({ atOnce } = { atOnce: false }) => {
      if (atOnce) delayMs = 0;
      stopped ??= stop();
      return stopped;
    },
  };
}

/** Creates the hub of events, with the log as its subscriber. */
export function createHost(
  config: Pick<Config, "logUserIds">,
  logger: Logger,
  signal: AbortSignal,
  stack: AsyncDisposableStack,
): Host {
  const hub = createEventHub<AppEvents>((err) => logger.error({ err }, "an observer of an event failed"));
  stack.use(logEvents(hub, logger, config.logUserIds));
  return { ...hub, logger, signal, stack };
}

/**
 * Connects to the external database, or starts the embedded one. `failed` resolves with the reason if that ends unexpectedly.
 * Rejects with an OperatorError.
 */
export async function openDatabase(config: Config, { logger, publish, signal, stack }: Host) {
  const { database, maxRetries, lockTimeoutMs, statementTimeoutMs } = config;
  const open = (address: DatabaseAddress) => {
    const store = createStore({
      ...{ ...address, maxRetries, lockTimeoutMs, statementTimeoutMs, poolSize: config.databasePoolSize },
      preparedStatements: config.databasePreparedStatements,
      publish,
    });
    stack.defer(async () => void (await store.close()));
    return store;
  };
  const { promise: failed, resolve: fail } = Promise.withResolvers<Error>();
  if (database.kind === "external") {
    const store = open(database);
    await waitForDatabase(store, { ...database, waitMs: config.waitForDbMs, signal });
    for (const warning of await store.check()) logger.warn(warning);
    return { store, failed };
  }
  const log = (message: string, fields = {}) => logger.info(fields, message);
  const embedded = stack.use(await startEmbeddedDatabase({ dataDir: database.dataDir, log, signal }));
  void embedded.exited.then((error) => error && fail(error));
  const { user: username, database: name, ...address } = embedded.connection;
  return { store: open({ ...address, username, name, sslMode: "disable" }), failed };
}

/** How often a migration that waits, or takes long, is logged. */
const migrationNoticeMs = 5_000;

async function migrate(store: Store, logger: Logger, signal: AbortSignal): Promise<void> {
  const notice = setInterval(() => {
    logger.info("the migration is not finished: another instance may be migrating, or a transaction may hold a lock");
  }, migrationNoticeMs);
  const applied = await store.migrate(signal).finally(() => clearInterval(notice));
  logger.info({ applied }, applied.length > 0 ? "migrated the database" : "the database is up to date");
}

async function fillWithDemo({ database }: Config, store: Store, logger: Logger): Promise<void> {
  if (database.kind !== "embedded" || !database.demoData) return;
  const created = await createDemoConcerts(store, Temporal.Now.instant());
  if (created > 0) logger.info({ concerts: created }, "created demo concerts to try it with");
}

/** Creates the services over a store, with the engine and the cache that they share. */
export function createServices(config: Config, store: Store, publish: Publish<AppEvents>) {
  const cache = createConcertCache({ publish });
  // For changes by organizers. The engine publishes its own to the cache.
  const concertChanged = (id: ConcertId, concert: Concert | undefined) => {
    cache.concertChanged(id, concert);
    engine.concertChanged(id);
  };
  const engine: BookingEngine = createBookingEngine(store.batches, {
    policy: config,
    maxQueuedRequests: config.maxQueuedRequests,
    maxConcurrentBatches: sharePool(config.databasePoolSize).batches,
    maxRetries: config.maxRetries,
    concertChanged: cache.concertChanged,
    publish,
  });
  const catalogue = createCatalogue(store, cache, concertChanged);
  const services = [bindConcertService(catalogue), bindBookingService(store, engine)];
  return { services, engine };
}

/** Listens on both ports, which serve the same and share one limit of connections. Rejects with a PortError. */
async function openListeners(
  config: Config,
  handler: ListenOptions["handler"],
  { publish, stack }: Host,
): Promise<readonly [rest: Listener, grpc: Listener]> {
  const connectionLimit = createConnectionLimit({ ...config, publish });
  const open = async (port: number, setting: string) => {
    const options = { host: config.host, port, handler, limits: config, connectionLimit, publish };
    const listener = await listen(options).catch((error) => {
      throw portError(error, port, setting);
    });
    return stack.adopt(listener, async () => {
      listener.destroy();
      await listener.close();
    });
  };
  return [await open(config.restPort, "APP_REST_PORT"), await open(config.grpcPort, "APP_GRPC_PORT")];
}
