/** What a panel of the dashboard is, and how its queries are written. */

export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

export interface Panel {
  readonly title: string;
  /** What the panel shows, and what a person should do with it. */
  readonly description: string;
  readonly unit: Unit;
  /** Expressions of PromQL with the legends of their series. */
  readonly queries: readonly (readonly [expression: string, legend: string])[];
  /** A single number in place of a graph over time. */
  readonly isStat?: boolean;
  readonly isStacked?: boolean;
  /** The values from which on a value is a warning and critical; of too few, below which it is. */
  readonly limits?: { readonly warning?: number; readonly critical?: number; readonly isTooFew?: boolean };
  /** Names in place of the legends, or of the values of a stat. */
  readonly names?: Readonly<Record<string, string>>;
}

/** Names of Grafana's units. */
type Unit = "short" | "s" | "bytes" | "percentunit" | "reqps" | "none";

/** The chosen instances. */
export const target = 'job="$job",instance=~"$instance"';
/** All instances of the job. */
export const job = 'job="$job"';
const and = (matchers: string) => (matchers === "" ? "" : `,${matchers}`);

/** What a counter gains a second, by the values of labels. */
export const rate = (counter: string, by = "", matchers = "") =>
  `sum${by === "" ? "" : ` by (${by}) `}(rate(${counter}{${target}${and(matchers)}}[$__rate_interval]))`;
/** A quantile of a histogram over all chosen instances. */
export const quantile = (q: number, histogram: string, by = "", matchers = "") =>
  `histogram_quantile(${q}, ${rate(`${histogram}_bucket`, by === "" ? "le" : `le, ${by}`, matchers)})`;
/** The median and the slowest hundredth. */
export const quantiles = (histogram: string, name = "") =>
  [0.5, 0.99].map((q) => [quantile(q, histogram), `${name}p${q * 100}`] as const);
/** A gauge of each chosen instance. */
export const each = (gauge: string) => [`${gauge}{${target}}`, "{{instance}}"] as const;
/** A recorded quantile of the kinds of calls. */
export const laneQuantile = (name: string, matchers: string) =>
  `job_lane:frontrow_call_duration_seconds:${name}_rate2m{${job},${matchers}}`;
