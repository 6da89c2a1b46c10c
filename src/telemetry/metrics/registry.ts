/** The metrics of one process: what they are, and which events they follow. */
import type { DescService } from "@bufbuild/protobuf";
import { Registry } from "prom-client";
import type { AppEvents, EventHub } from "../events.ts";
import { countCalls } from "./calls.ts";
import { observeEngine } from "./engine.ts";
import { createInstruments, type Instruments } from "./instruments.ts";
import { observeInventory } from "./inventory.ts";
import { observeLimits } from "./limits.ts";
import { describeProcess } from "./process.ts";
import { observeStore } from "./store.ts";
import { observeTelemetry } from "./telemetry.ts";

/** What is read at each scrape, since an event for each change would cost more. */
export interface Readings {
  readonly queuedRequests: () => number;
  readonly callsInFlight: () => number;
  readonly eventLoopDelayMs: () => number;
}

/** What the process that starts workers knows of them. */
export interface WorkerReadings {
  readonly configured: () => number;
  readonly running: () => number;
  /** Of those, the ones that give no sign of life. */
  readonly silent: () => number;
  /** Workers that have been replaced. */
  readonly restarts: () => number;
}

/** The limits that alerts compare with. */
export interface MetricLimits {
  readonly databasePoolSize: number;
  readonly maxQueuedRequests: number;
  readonly maxConnections: number;
}

/** The metrics of a process that starts workers, which serve in its place. */
export interface PrimaryMetrics extends Disposable {
  /** For scrapes, and for the sum over several processes: each metric names how its values become one. */
  readonly registry: Registry;
  /** Adds the metrics of workers. To be called in the process that starts them, or that serves alone. */
  watchWorkers(workers: WorkerReadings): void;
  /** Follows an embedded database, which is up until `failed` resolves. */
  watchEmbedded(failed: Promise<unknown>): void;
}

/** The metrics of a process that serves. */
export interface Metrics extends PrimaryMetrics {
  /** Adds the services whose methods are counted by name. */
  addServices(services: readonly DescService[]): void;
  /** Sets what is read. It is 0 before. */
  read(readings: Readings): void;
  /** Adds the metrics of the comparison of concerts with their bookings. To be called when this process begins with it. */
  watchInventory(): void;
}

type Events = Pick<EventHub<AppEvents>, "subscribe">;

/** Creates the metrics and follows the hub's events until the result is disposed of. */
export function createMetrics(hub: Events, limits: MetricLimits): Metrics {
  const { metrics, instruments, on } = beginMetrics(hub);
  const { addServices } = countCalls(on, instruments);
  const read = addReadings(instruments, limits);
  observeEngine(on, instruments);
  observeStore(on, instruments);
  observeLimits(on, instruments);
  observeTelemetry(on, instruments);
  addLimits(instruments, limits);
  describeProcess(instruments);
  return { ...metrics, addServices, read, watchInventory: () => observeInventory(on, instruments) };
}

/**
 * As `createMetrics`, without what only a process that serves can know: a 0 of this one would be wrong for all. Readiness is
 * here as well: while no worker serves, no worker reports that it is down.
 */
export function createPrimaryMetrics(hub: Events): PrimaryMetrics {
  const { metrics, instruments, on } = beginMetrics(hub);
  observeTelemetry(on, instruments);
  describeProcess(instruments);
  return {
    ...metrics,
    watchWorkers(workers) {
      metrics.watchWorkers(workers);
      instruments.gaugeOf("frontrow_ready", "Whether readiness is up", "min", () => (workers.running() > 0 ? 1 : 0));
    },
  };
}

function beginMetrics(hub: Events) {
  const registry = new Registry();
  const stack = new DisposableStack();
  const on: EventHub<AppEvents>["subscribe"] = (name, listener) => stack.use(hub.subscribe(name, listener));
  const instruments = createInstruments(registry);
  const { counterOf, gaugesBy } = instruments;
  const metrics: PrimaryMetrics = {
    registry,
    watchWorkers({ restarts, ...states }) {
      const help = "Processes that are to serve, that do, and of those the ones without a sign of life for 2 seconds";
      gaugesBy("frontrow_workers", help, "state", "sum", states);
      counterOf("frontrow_worker_restarts_total", "Workers that have ended and were replaced", restarts);
    },
    watchEmbedded(failed) {
      const help = "Whether the embedded database runs";
      const isUp = instruments.gauge("frontrow_embedded_database_up", help, "min");
      isUp.value = 1;
      void failed.then(() => {
        isUp.value = 0;
      });
    },
    [Symbol.dispose]: () => stack.dispose(),
  };
  return { metrics, instruments, on };
}

function addReadings({ gaugeOf }: Instruments, { maxQueuedRequests }: MetricLimits): Metrics["read"] {
  let readings: Readings | undefined;
  const queued = () => readings?.queuedRequests() ?? 0;
  gaugeOf("frontrow_queue_depth", "Requests that wait for their batch", "sum", queued);
  const fullness = "Requests that wait in a process by its limit: above 1 only by settlements";
  gaugeOf("frontrow_queue_fullness_ratio", fullness, "max", () => queued() / Math.max(1, maxQueuedRequests));
  gaugeOf("frontrow_calls_in_flight", "Unary calls under way", "sum", () => readings?.callsInFlight() ?? 0);
  gaugeOf(
    "frontrow_event_loop_delay_seconds",
    "How long an event of a socket waits at present; 0 below 10 ms",
    "max",
    () => (readings?.eventLoopDelayMs() ?? 0) / 1_000,
  );
  return (given) => {
    readings = given;
  };
}

function addLimits({ gauge, gauges }: Instruments, limits: MetricLimits): void {
  const { databasePoolSize, maxQueuedRequests, maxConnections } = limits;
  const pool = gauges("frontrow_database_connections_limit", "Most connections of the pool", ["pool"], "sum");
  pool.series({ pool: "main" }).value = databasePoolSize;
  gauge("frontrow_queue_limit", "Most requests that may wait for their batch", "sum").value = maxQueuedRequests;
  // Processes behind the same ports have one limit of connections, and each its part of the others.
  gauge("frontrow_connections_limit", "Most connections of clients", "max").value = maxConnections;
}
