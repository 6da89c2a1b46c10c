/** The metrics that a page of `/metrics` has. */
import type { Selector } from "./promql.ts";

/** The values of each label, by the names of time series: of a histogram `NAME_bucket`, `NAME_sum` and `NAME_count`. */
export type ExportedSeries = ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<string>>>;

/** Labels with many values, whose series appear with the first call. */
const laterLabels = new Set(["code", "method", "service", "protocol"]);
/** Labels that Prometheus adds, to the metrics of a target or by a recording rule. */
const prometheusLabels = new Set(["job", "instance", "le"]);

/** Reads Prometheus's text format. A metric without samples has its name and no labels. */
export function parseMetrics(text: string): ExportedSeries {
  const series = new Map<string, Map<string, Set<string>>>();
  const add = (name: string) => series.getOrInsertComputed(name, () => new Map());
  for (const [, name = "", type = ""] of text.matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
    const endings =
      type === "histogram" ? ["_bucket", "_sum", "_count"] : type === "summary" ? ["", "_sum", "_count"] : [""];
    for (const ending of endings) add(name + ending);
  }
  for (const [, name = "", labels = ""] of text.matchAll(/^([A-Za-z_:][\w:]*)(?:\{(.*)\})? \S+$/gm)) {
    const values = add(name);
    for (const [, label = "", value = ""] of labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) {
      values.getOrInsertComputed(label, () => new Set()).add(value);
    }
  }
  return series;
}

/**
 * Why a selector finds nothing in a service that has just started; undefined if it does. A counter that appears with its first
 * event has no increase, so that an alert would miss the event.
 */
export function missingFrom(exported: ExportedSeries, { metric, matchers }: Selector): string | undefined {
  const labels = exported.get(metric);
  if (labels === undefined) return `the service has no metric ${metric}`;
  for (const { label, operator, value } of matchers) {
    if (prometheusLabels.has(label)) continue;
    const values = labels.get(label);
    if (laterLabels.has(label) && (values !== undefined || labels.size === 0)) continue;
    if (values === undefined) return `${metric} has no label ${label} at the start`;
    const missing = operator.startsWith("!") ? [] : value.split("|").filter((each) => !values.has(each));
    if (missing.length > 0) return `${metric} has no ${label}="${missing.join('" or "')}" at the start`;
  }
  return undefined;
}

/** The labels that a legend shows and none of the metrics has. Those that a rule records have the labels of the rule. */
export function missingLabels(exported: ExportedSeries, selectors: readonly Selector[], legend: string): string[] {
  const ofMetrics = selectors.map(({ metric }) => exported.get(metric));
  if (ofMetrics.includes(undefined)) return [];
  const shown = [...legend.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = ""]) => label);
  return shown.filter((label) => !prometheusLabels.has(label) && !ofMetrics.some((labels) => labels?.has(label)));
}
