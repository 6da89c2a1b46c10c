import type { Config } from "./config/load.ts";
import { portError } from "./port-error.ts";
import type { AppEvents, EventHub } from "./telemetry/events.ts";
import type { Logger } from "./telemetry/log.ts";
import { createMetrics, type Metrics } from "./telemetry/metrics/registry.ts";
import { serveMetrics } from "./telemetry/metrics/server.ts";

interface MetricsHost {
  readonly logger: Logger;
  readonly subscribe: EventHub<AppEvents>["subscribe"];
  /** Owns the metrics and their server. */
  readonly stack: AsyncDisposableStack;
}

/** Metrics that are served. */
export interface OpenMetrics extends Metrics {
  readonly port: number;
}

/**
 * Serves the metrics if they have a port: to be called before all else is opened, so that they close after it. `gather` makes
 * the text of a scrape, for instance of several processes. Rejects with a PortError.
 */
export async function openMetrics(
  config: Config,
  { logger, subscribe, stack }: MetricsHost,
  gather = (own: Metrics["registry"]) => own.metrics(),
): Promise<OpenMetrics | undefined> {
  const { metricsPort: port, metricsHost: host = config.host } = config;
  if (port === undefined) return undefined;
  const metrics = stack.use(createMetrics({ subscribe }, config));
  const { registry } = metrics;
  const server = await serveMetrics({
    ...{ host, port },
    exposition: { contentType: registry.contentType, metrics: () => gather(registry) },
    onError: (err) => logger.error({ err }, "the metrics could not be served"),
  }).catch((error) => {
    throw portError(error, port, "APP_METRICS_PORT", "APP_METRICS_HOST");
  });
  return { ...metrics, port: stack.use(server).port };
}
