/** What serves, over a database that is ready: the parts in the order of their start. The stop is the reverse. */
import { type BookingEngine, createBookingEngine } from "./booking/engine.ts";
import { startInventoryCheck } from "./booking/inventory.ts";
import { startRetention } from "./booking/retention.ts";
import { startSweeper } from "./booking/sweeper.ts";
import { createConcertCache } from "./concerts/cache.ts";
import { createCatalogue } from "./concerts/catalogue.ts";
import type { Config } from "./config/load.ts";
import { settlesWithin } from "./domain/clock.ts";
import type { Concert } from "./domain/concert.ts";
import type { ConcertId } from "./domain/ids.ts";
import type { Publish } from "./domain/publish.ts";
import type { Host } from "./host.ts";
import type { RateLimits } from "./limits/rate-limit.ts";
import { portError } from "./port-error.ts";
import { bindBookingService } from "./rpc/booking-service.ts";
import { bindConcertService } from "./rpc/concert-service.ts";
import type { BeginTrace } from "./rpc/events.ts";
import { openGuards } from "./rpc/guards.ts";
import { shuttingDown } from "./rpc/status.ts";
import { sharePool } from "./store/pool/shares.ts";
import type { Store } from "./store/store.ts";
import type { AppEvents } from "./telemetry/events.ts";
import type { Metrics } from "./telemetry/metrics/registry.ts";
import { createHttpApp } from "./transport/http.ts";
import { type ConnectionLimit, createConnectionLimit } from "./transport/listener/connection-limit.ts";
import { drain, type Listener, type ListenOptions, listen } from "./transport/listener/listen.ts";
import { createReadiness } from "./transport/readiness.ts";

/** A service that serves. */
export interface Service {
  readonly restPort: number;
  readonly grpcPort: number;
  /** How many changes of bookings wait for their turn at this moment. */
  queuedRequests(): number;
  /**
   * Shuts down: readiness goes down, calls are served for APP_SHUTDOWN_DELAY more (not if `atOnce`), calls in flight finish,
   * then the pool closes, then what else the host's stack owns. Each step has a limit. Resolves with whether all work had
   * ended and every database connection was closed in order.
   */
  close(options?: { readonly atOnce: boolean }): Promise<boolean>;
}

/** What the service serves from, what observes it, and the limits that it shares with other processes. */
interface ServiceSources {
  readonly store: Store;
  /** Resolves when the database has failed, so that nothing is left to serve. */
  readonly failed: Promise<unknown>;
  /** Undefined if traces are off. */
  readonly beginTrace: BeginTrace | undefined;
  /** Undefined if metrics are off. */
  readonly metrics: Metrics | undefined;
  /** Whether this process compares the concerts with their bookings, which one process does for all. */
  readonly checksInventory: boolean;
  /** Whether other processes listen on the same ports. */
  readonly sharesPorts?: boolean;
  /** The limit of connections; one of this process if undefined. */
  readonly connectionLimit?: ConnectionLimit;
  /** Returns the limits to follow, which may fall back to those of this process. */
  readonly shareRates?: ((own: RateLimits) => RateLimits) | undefined;
}

/** How much longer than the grace period work may take after its callers have been answered. */
const lastWorkMs = 3_000;

/**
 * Starts to serve. From then on the service owns the host's stack, and `close` disposes of it. If a part fails to start, the
 * caller disposes of the stack.
 */
export async function startService(config: Config, host: Host, sources: ServiceSources): Promise<Service> {
  const { logger, publish, stack: starting } = host;
  const { store, failed, beginTrace, metrics, shareRates } = sources;
  const { services, engine } = createServices(config, store, publish);
  let isIdle = true;
  let graceEndsAtMs = 0;
  const inBackground = [startSweeper(store, engine, publish), startRetention(store, config, publish)];
  if (sources.checksInventory) {
    metrics?.watchInventory();
    inBackground.push(startInventoryCheck(store, publish));
  }
  starting.defer(async () => {
    // Batches whose callers have been answered, lost COMMITs that are being settled, and statements that wait for a dead network.
    const ended = Promise.all([engine.idle(), ...inBackground.map((work) => work[Symbol.asyncDispose]())]);
    isIdle = await settlesWithin(ended, Math.max(0, graceEndsAtMs - performance.now()) + lastWorkMs);
  });

  const readiness = createReadiness({ probe: () => store.probe(), publish });
  starting.defer(() => readiness.close());
  const descriptions = services.map(({ service }) => service);
  const { draining } = readiness;
  const guardOptions = { services: descriptions, publish, draining, beginTrace, shareRates, stack: starting };
  const { interceptors, admit, ...load } = await openGuards(config, guardOptions);
  metrics?.addServices(descriptions);
  metrics?.read({ ...load, queuedRequests: () => engine.queuedRequests() });
  const shutdown = new AbortController();
  const http = await createHttpApp({
    ...config,
    loopbackOnly: config.whyLoopback !== undefined,
    ...{ services, interceptors, admit, readiness, publish, logger, shutdownSignal: shutdown.signal },
  });
  starting.defer(() => http.close());

  const connectionLimit = sources.connectionLimit ?? createConnectionLimit({ ...config, publish });
  const listening = { handler: http.routing, connectionLimit, publish, sharesPort: sources.sharesPorts ?? false };
  const [rest, grpc] = await openListeners(config, listening, starting);
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
    queuedRequests: () => engine.queuedRequests(),
    close: ({ atOnce } = { atOnce: false }) => {
      if (atOnce) delayMs = 0;
      stopped ??= stop();
      return stopped;
    },
  };
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
  common: Pick<ListenOptions, "handler" | "connectionLimit" | "publish" | "sharesPort">,
  stack: AsyncDisposableStack,
): Promise<readonly [rest: Listener, grpc: Listener]> {
  const open = async (port: number, setting: string) => {
    const listener = await listen({ ...common, host: config.host, port, limits: config }).catch((error) => {
      throw portError(error, port, setting);
    });
    return stack.adopt(listener, async () => {
      listener.destroy();
      await listener.close();
    });
  };
  return [await open(config.restPort, "APP_REST_PORT"), await open(config.grpcPort, "APP_GRPC_PORT")];
}
