import type { Logger } from "pino";
import { type BookingEngine, createBookingEngine } from "./booking/engine.ts";
import { createConcertCache } from "./concerts/cache.ts";
import { createCatalogue } from "./concerts/catalogue.ts";
import { createDemoConcerts } from "./concerts/demo.ts";
import type { Config } from "./config/load.ts";
import { type OpenDatabase, openDatabase } from "./database.ts";
import type { Concert } from "./domain/concert.ts";
import type { ConcertId } from "./domain/ids.ts";
import { openGuards } from "./guards.ts";
import { bindBookingService } from "./rpc/booking-service.ts";
import { bindConcertService } from "./rpc/concert-service.ts";
import type { ServiceBinding } from "./rpc/service.ts";
import { stop } from "./shutdown.ts";
import { sharePool } from "./store/pool-shares.ts";
import type { Store } from "./store/store.ts";
import { createHttpApp } from "./transport/http.ts";
import { createConnectionGate } from "./transport/listener/connection-limit.ts";
import { type Listener, listen } from "./transport/listener/listen.ts";
import { createReadiness } from "./transport/readiness.ts";

/** The running service. */
export interface App {
  readonly restPort: number;
  readonly grpcPort: number;
  /** Resolves with the reason if the service cannot go on. */
  readonly failed: Promise<Error>;
  /** How many bookings and cancels wait for their turn at this moment. */
  queuedRequests(): number;
  /**
   * Shuts down: readiness goes down, calls are served for APP_SHUTDOWN_DELAY more (not if `atOnce`), calls in flight finish,
   * then the pool closes, then an embedded database stops. Each step has a limit. Resolves with whether all work had ended
   * and every database connection was closed in order.
   */
  close(options?: { readonly atOnce: boolean }): Promise<boolean>;
}

/** Brings the database's schema up to date and ends. A migration under way is rolled back when `signal` aborts. */
export async function migrateDatabase(config: Config, logger: Logger, signal: AbortSignal): Promise<void> {
  const database = await openDatabase(config, logger, signal);
  try {
    await migrate(database, logger, signal);
  } finally {
    await database.close();
  }
}

/** Starts everything, from the database up; what has started is closed again if a later part fails. */
export async function startApp(config: Config, logger: Logger, signal: AbortSignal): Promise<App> {
  const database = await openDatabase(config, logger, signal);
  try {
    await migrate(database, logger, signal);
    if (config.database.kind === "embedded" && config.database.demoData) {
      const created = await createDemoConcerts(database.store, Temporal.Now.instant());
      if (created > 0) logger.info({ concerts: created }, "created demo concerts to try it with");
    }
    return await serve(config, database, logger);
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** How often a migration that waits, or takes long, is logged. */
const migrationNoticeMs = 5_000;

async function migrate({ store }: OpenDatabase, logger: Logger, signal: AbortSignal): Promise<void> {
  const notice = setInterval(() => {
    logger.info("the migration is not finished: another instance may be migrating, or a transaction may hold a lock");
  }, migrationNoticeMs);
  const applied = await store.migrate(signal).finally(() => clearInterval(notice));
  logger.info({ applied }, applied.length > 0 ? "migrated the database" : "the database is up to date");
}

/** The services, and what others need of what they share. */
export interface Services {
  readonly services: ServiceBinding[];
  readonly engine: BookingEngine;
}

/** The services over a store, with the engine and the cache that they share. */
export function createServices(config: Config, store: Store): Services {
  const cache = createConcertCache();
  // What organizers change. The engine knows of its own.
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
  });
  const catalogue = createCatalogue(store, cache, concertChanged);
  const services = [bindConcertService(catalogue), bindBookingService(store, engine)];
  return { services, engine };
}

async function serve(config: Config, database: OpenDatabase, logger: Logger): Promise<App> {
  const { store } = database;
  const shutdown = new AbortController();
  const { services, engine } = createServices(config, store);
  const descriptions = services.map(({ service }) => service);
  const readiness = createReadiness({ probe: () => store.probe(), log: logger });
  const guards = await openGuards(config, { services: descriptions, logger, draining: readiness.draining });
  const http = await createHttpApp({
    services,
    interceptors: guards.interceptors,
    readiness,
    corsOrigins: config.corsOrigins,
    corsAllowedHeaders: config.corsAllowedHeaders,
    loopbackOnly: config.whyLoopback !== undefined,
    maxBodyBytes: config.maxBodyBytes,
    trustedProxies: config.trustedProxies,
    logger,
    shutdownSignal: shutdown.signal,
  }).catch((error) => {
    readiness.close();
    guards.close();
    throw error;
  });
  const listeners: Listener[] = [];
  const service = { config, database, engine, guards, http, listeners, logger, readiness, shutdown };
  try {
    const { host } = config;
    // One for both ports.
    const gate = createConnectionGate({
      ...config,
      onRefused: (refused) => logger.warn(refused, "connections were refused: there are too many"),
    });
    const onAcceptError = (error: Error) => logger.warn({ err: error }, "a connection could not be accepted");
    const listenOn = async (port: number, setting: string) => {
      const listener = await listen({ host, port, handler: http.routing, limits: config, gate, onAcceptError }).catch(
        (error) => {
          throw portError(error, port, setting);
        },
      );
      listeners.push(listener);
      return listener.port;
    };
    const restPort = await listenOn(config.restPort, "APP_REST_PORT");
    const grpcPort = await listenOn(config.grpcPort, "APP_GRPC_PORT");
    await readiness.started();
    let closing: Promise<boolean> | undefined;
    return {
      restPort,
      grpcPort,
      failed: database.failed,
      queuedRequests: () => engine.queuedRequests(),
      close: ({ atOnce } = { atOnce: false }) => {
        closing ??= stop(service, atOnce ? 0 : config.shutdownDelayMs);
        return closing;
      },
    };
  } catch (error) {
    for (const listener of listeners) listener.destroy();
    readiness.close();
    await http.close();
    guards.close();
    throw error;
  }
}

/** The port cannot be had: a sentence for a person, who can set another. */
export class PortError extends Error {
  override readonly name = "PortError";
}

function portError(error: unknown, port: number, setting: string): unknown {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "EADDRINUSE")
    return new PortError(`port ${port} is in use: set another by ${setting}`, { cause: error });
  if (code === "EACCES")
    return new PortError(`port ${port} is not allowed: set another by ${setting}`, { cause: error });
  if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND") {
    return new PortError("the address to listen on is not one of this machine's: set another by APP_HOST", {
      cause: error,
    });
  }
  return error;
}
