/** The metrics of a process, and their server. */
import type { Registry } from "prom-client";
import type { Config } from "./config/load.ts";
import type { Host } from "./host.ts";
import { portError } from "./port-error.ts";
import {
  createMetrics,
  createPrimaryMetrics,
  type Metrics,
  type PrimaryMetrics,
} from "./telemetry/metrics/registry.ts";
import { serveMetrics } from "./telemetry/metrics/server.ts";

type MetricsHost = Pick<Host, "logger" | "subscribe" | "stack">;
type Served<Kind> = Kind & { readonly port: number };

/**
 * Serves the metrics of a process that serves alone, if they have a port: to be called before all else is opened, so that they
 * close after it. Rejects with a PortError.
 */
export async function openMetrics(config: Config, host: MetricsHost): Promise<Served<Metrics> | undefined> {
  const metrics = addMetrics(config, host);
  return metrics && { ...metrics, port: await serve(config, host, metrics.registry, () => metrics.registry.metrics()) };
}

/** As `openMetrics`, for a process whose workers serve. `gather` makes the text of a scrape from its own metrics and theirs. */
export async function openPrimaryMetrics(
  config: Config,
  host: MetricsHost,
  gather: (own: Registry) => Promise<string>,
): Promise<Served<PrimaryMetrics> | undefined> {
  if (config.metricsPort === undefined) return undefined;
  const metrics = host.stack.use(createPrimaryMetrics(host));
  return { ...metrics, port: await serve(config, host, metrics.registry, () => gather(metrics.registry)) };
}

/** The metrics of a process that serves, without a server; undefined if they are off. */
export function addMetrics(config: Config, host: MetricsHost): Metrics | undefined {
  return config.metricsPort === undefined ? undefined : host.stack.use(createMetrics(host, config));
}

async function serve(
  { metricsPort: port = 0, metricsHost, host: defaultHost }: Config,
  { logger, stack }: MetricsHost,
  { contentType }: Registry,
  metrics: () => Promise<string>,
): Promise<number> {
  const server = await serveMetrics({
    ...{ host: metricsHost ?? defaultHost, port, exposition: { contentType, metrics } },
    onError: (err) => logger.error({ err }, "the metrics could not be served"),
  }).catch((error) => {
    throw portError(error, port, "APP_METRICS_PORT", "APP_METRICS_HOST");
  });
  return stack.use(server).port;
}
