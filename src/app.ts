/** The composition root of one process that does everything: the database first, then what serves. */
import type { Logger } from "pino";
import type { Config } from "./config/load.ts";
import { prepareDatabase } from "./database.ts";
import { createHost } from "./host.ts";
import { openMetrics } from "./open-metrics.ts";
import { type Service, startService } from "./service.ts";
import { openTracing } from "./telemetry/tracing/index.ts";

/** The running service. */
export interface App extends Pick<Service, "restPort" | "grpcPort" | "close"> {
  /** The port of /metrics; undefined if it is off. */
  readonly metricsPort: number | undefined;
  /** Resolves with the reason if the service cannot go on. */
  readonly failed: Promise<Error>;
}

/** Starts the service. If a part fails to start, those that have started are stopped. */
export async function startApp(config: Config, logger: Logger, signal: AbortSignal): Promise<App & Service> {
  await using starting = new AsyncDisposableStack();
  const host = createHost(config, logger, signal, starting);
  const beginTrace = await openTracing(config.tracing, host, starting);
  const metrics = await openMetrics(config, host);
  metrics?.watchWorkers({ configured: () => 1, running: () => 1, silent: () => 0, restarts: () => 0 });
  const { store, failed } = await prepareDatabase(config, host);
  if (config.database.kind === "embedded") metrics?.watchEmbedded(failed);
  const sources = { store, failed, beginTrace, metrics, checksInventory: metrics !== undefined };
  return { ...(await startService(config, host, sources)), metricsPort: metrics?.port, failed };
}
