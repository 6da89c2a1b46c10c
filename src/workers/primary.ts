/** The primary process: it owns the database and the limits of the machine, and its workers serve. */

import type { App } from "../app.ts";
import type { Config } from "../config/load.ts";
import { prepareDatabase } from "../database.ts";
import { createHost } from "../host.ts";
import type { Logger } from "../telemetry/log.ts";
import { createMachineLimits } from "./machine-limits.ts";
import type { StartOrder } from "./messages.ts";
import { createMetricsCollector, type GatheredMetrics, type MetricsCollector } from "./metrics.ts";
import { superviseWorkers } from "./supervisor.ts";

/** How much longer than the delay and the grace period of a shutdown a worker may take. */
const workerCloseMs = 9_000;

/** The running service of several processes. */
export interface PrimaryApp extends App {
  /** The metrics of all workers and of this process, whose registry is `own`. */
  gatherMetrics(own: Parameters<MetricsCollector["gather"]>[0]): Promise<GatheredMetrics>;
}

/** Starts APP_WORKERS processes that serve. If one fails to start, all end, and the start rejects with its reason. */
export async function startPrimary(
  config: Config,
  logger: Logger,
  signal: AbortSignal,
  files: StartOrder["files"],
): Promise<PrimaryApp> {
  await using starting = new AsyncDisposableStack();
  const host = createHost(logger, signal, starting);
  const { store, address, failed: databaseFailed } = await prepareDatabase({ ...config, databasePoolSize: 1 }, host);
  // The workers have the whole pool.
  await store.close();
  signal.throwIfAborted();

  const limits = createMachineLimits(config, host.publish);
  const metrics = createMetricsCollector();
  const workers = superviseWorkers({
    count: config.workers,
    order: { files, address },
    publish: host.publish,
    stopTimeoutMs: config.shutdownDelayMs + config.shutdownTimeoutMs + workerCloseMs,
    received(worker, message) {
      if (message.type === "metrics") metrics.received(worker, message);
      else limits.received(worker, message);
    },
    left(worker) {
      limits.left(worker);
      metrics.left(worker);
    },
  });
  let isInOrder = true;
  let stopOptions = { atOnce: true };
  starting.defer(async () => {
    isInOrder = await workers.stop(stopOptions);
  });
  const { restPort, grpcPort } = await Promise.race([workers.started, rejection(signal)]);

  const stack = starting.move();
  // A database that has failed leaves nothing to serve, also during a shutdown.
  void databaseFailed.then(() => stopped && workers.stop({ atOnce: true }));
  let stopped: Promise<boolean> | undefined;
  return {
    restPort,
    grpcPort,
    failed: Promise.race([databaseFailed, workers.failed]),
    gatherMetrics: (own) => metrics.gather(own, workers.serving()),
    close: (options = { atOnce: false }) => {
      stopOptions = options;
      stopped ??= stack.disposeAsync().then(() => isInOrder);
      return stopped;
    },
  };
}

/** Rejects when the signal aborts. */
function rejection(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  return promise;
}
