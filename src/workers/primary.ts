/** The primary process: it owns the database and the limits of the machine, and its workers serve. */

import type { App } from "../app.ts";
import { workerKillMs } from "../close-limits.ts";
import type { Config } from "../config/load.ts";
import { prepareDatabase } from "../database.ts";
import { createHost } from "../host.ts";
import { openPrimaryMetrics } from "../open-metrics.ts";
import type { Logger } from "../telemetry/log.ts";
import { createMachineLimits } from "./machine-limits.ts";
import type { StartOrder } from "./messages.ts";
import { createMetricsCollector } from "./metrics.ts";
import { claimPorts } from "./ports.ts";
import { type Supervisor, superviseWorkers } from "./supervisor.ts";

/** Starts APP_WORKERS processes that serve. If one fails to start, all end, and the start rejects with its reason. */
export async function startPrimary(
  config: Config,
  logger: Logger,
  signal: AbortSignal,
  files: StartOrder["files"],
): Promise<App> {
  await using starting = new AsyncDisposableStack();
  const host = createHost(config, logger, signal, starting);
  let workers: Supervisor | undefined;
  let restarts = 0;
  const countRestart = ({ restartMs }: { readonly restartMs: number | undefined }) => {
    if (restartMs !== undefined) restarts++;
  };
  starting.use(host.subscribe("workers.ended", countRestart));
  const collector = createMetricsCollector();
  const metrics = await openPrimaryMetrics(config, host, async (own) => {
    const { registry, missing } = await collector.gather(own, () => workers?.serving() ?? []);
    if (missing > 0) host.publish("workers.metrics_missing", { workers: missing });
    return await registry.metrics();
  });
  metrics?.watchWorkers({
    configured: () => config.workers,
    running: () => workers?.serving().length ?? 0,
    silent: () => workers?.silent() ?? 0,
    restarts: () => restarts,
  });
  const { store, address, failed: databaseFailed } = await prepareDatabase({ ...config, databasePoolSize: 1 }, host);
  if (config.database.kind === "embedded") metrics?.watchEmbedded(databaseFailed);
  // The workers have the whole pool.
  await store.close();
  await claimPorts(config, starting);
  signal.throwIfAborted();

  const limits = createMachineLimits(config, host.publish);
  const supervisor = superviseWorkers({
    order: { workers: config.workers, files, address },
    publish: host.publish,
    stopTimeoutMs: config.shutdownDelayMs + config.shutdownTimeoutMs + workerKillMs,
    received(worker, message) {
      if (message.type === "metrics") collector.received(worker, message);
      else limits.received(worker, message);
    },
    left(worker) {
      limits.left(worker);
      collector.left(worker);
    },
  });
  workers = supervisor;
  let isInOrder = true;
  let stopOptions = { atOnce: true };
  starting.defer(async () => {
    isInOrder = await supervisor.stop(stopOptions);
  });
  const { restPort, grpcPort } = await Promise.race([supervisor.started, rejection(signal)]);

  const stack = starting.move();
  // A database that has failed leaves nothing to serve, also during a shutdown.
  void databaseFailed.then(() => stopped && supervisor.stop({ atOnce: true }));
  let stopped: Promise<boolean> | undefined;
  return {
    restPort,
    grpcPort,
    metricsPort: metrics?.port,
    failed: Promise.race([databaseFailed, supervisor.failed]),
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
