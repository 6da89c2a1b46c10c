import { readFileSync } from "node:fs";
import { join } from "node:path";
import { collectDefaultMetrics, type Metric, Registry } from "prom-client";
import type { Instruments } from "./instruments.ts";

const packageFile = join(import.meta.dirname, "..", "..", "..", "package.json");

/** Those of prom-client: processor time, memory, file descriptors, event loop, garbage collection. */
let ofProcess: Metric[] | undefined;

/** Adds what there is to know about the process. prom-client's observers cannot be closed, so a process has them once. */
export function describeProcess({ registry, gauges }: Instruments): void {
  ofProcess ??= defaultMetrics();
  for (const metric of ofProcess) registry.registerMetric(metric);
  const help = "Always 1; the labels have the versions of Frontrow and of Node";
  const { version } = JSON.parse(readFileSync(packageFile, "utf8"));
  gauges("frontrow_build_info", help, ["version", "node"], "first").series({ version, node: process.version }).value =
    1;
}

function defaultMetrics(): Metric[] {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry
    .getMetricsAsArray()
    .map(({ name }) => registry.getSingleMetric(name))
    .filter((metric) => metric !== undefined);
}
