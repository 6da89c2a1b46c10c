/** A scrape of /metrics, read strictly: what breaks Prometheus's text format or its rules for names fails the test. */
import { expect, vi } from "vitest";

interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly samples: Sample[];
}

export interface Scrape {
  readonly families: ReadonlyMap<string, MetricFamily>;
  /** The sum of a metric's samples that have these labels; undefined if there is none. */
  value(name: string, labels?: Readonly<Record<string, string>>): number | undefined;
  /** All values of a label, in any metric of the service. */
  labelValues(label: string): Set<string>;
}

/** Scrapes once. */
export async function scrape(url: string): Promise<Scrape> {
  const response = await fetch(url);
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  return readMetrics(await response.text());
}

/** Scrapes until the checks pass. */
export async function scrapeUntil(url: string, check: (scrape: Scrape) => void): Promise<void> {
  await vi.waitFor(async () => check(await scrape(url)), { timeout: 20_000, interval: 20 });
}

/** Reads an exposition. Throws for any fault in it. */
export function readMetrics(text: string): Scrape {
  expect(text).toMatch(/\n$/);
  const families = new Map<string, MetricFamily>();
  let family: MetricFamily | undefined;
  for (const line of text.split("\n")) {
    const [, name = "", help = ""] = /^# HELP (\S+) (.+)$/.exec(line) ?? [];
    const [, typed, type] = /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(line) ?? [];
    if (name !== "") {
      expect(families.has(name), `${name} is there twice`).toBe(false);
      family = { name, help, type: "", samples: [] };
    } else if (type !== undefined) {
      expect(typed).toBe(family?.name);
      family = { ...(family ?? expect.unreachable()), type };
      families.set(family.name, family);
    } else if (line !== "") {
      (family ?? expect.unreachable(line)).samples.push(readSample(line));
    }
  }
  for (const each of families.values()) checkFamily(each);
  const samples = [...families.values()].flatMap((each) => each.samples);
  return {
    families,
    value(name, labels = {}) {
      const matching = samples.filter((sample) => sample.name === name && hasLabels(sample, labels));
      return matching.length === 0 ? undefined : matching.reduce((sum, { value }) => sum + value, 0);
    },
    labelValues: (label) => {
      const ofService = samples.filter(({ name }) => name.startsWith("frontrow_"));
      return new Set(ofService.flatMap(({ labels }) => labels[label] ?? []));
    },
  };
}

function readSample(line: string): Sample {
  const [, name = "", labelText = "", number = ""] =
    /^([a-z_][a-z0-9_]*)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)+)\})? (\S+)$/.exec(line) ?? [];
  expect(name, `a line that is no sample: ${line}`).not.toBe("");
  const value = number === "+Inf" ? Number.POSITIVE_INFINITY : Number(number);
  expect(value, line).not.toBeNaN();
  const labels = [...labelText.matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/g)].map(([, label = "", text = ""]) => [
    label,
    text,
  ]);
  expect(new Set(labels.map(([label]) => label)).size, line).toBe(labels.length);
  return { name, labels: Object.fromEntries(labels), value };
}

const hasLabels = (sample: Sample, labels: Readonly<Record<string, string>>) =>
  Object.entries(labels).every(([label, value]) => sample.labels[label] === value);

function checkFamily({ name, type, samples }: MetricFamily): void {
  const keys = samples.map((sample) => `${sample.name} ${JSON.stringify(Object.entries(sample.labels).sort())}`);
  expect(new Set(keys).size, `${name} has a series twice`).toBe(keys.length);
  if (type === "histogram") checkHistogram(name, samples);
  else expect(new Set(samples.map((sample) => sample.name)).difference(new Set([name]))).toEqual(new Set());
  for (const { value } of type === "gauge" ? [] : samples) expect(value, name).toBeGreaterThanOrEqual(0);
  if (!name.startsWith("frontrow_")) return;
  // Prometheus's rules: a counter ends with _total, and a time is in seconds.
  expect(name.endsWith("_total"), name).toBe(type === "counter");
  expect(name).not.toMatch(/_(ms|milliseconds|minutes|count|sum|bucket)$/);
  if (/delay|duration|wait_|held_s|timestamp/.test(name)) expect(name).toMatch(/_seconds$/);
}

function checkHistogram(name: string, samples: readonly Sample[]): void {
  const seriesOf = ({ labels: { le: _, ...others } }: Sample) => JSON.stringify(Object.entries(others).sort());
  for (const series of Map.groupBy(samples, seriesOf).values()) {
    const of = (suffix: string) => series.filter((sample) => sample.name === `${name}_${suffix}`);
    const buckets = of("bucket");
    const bounds = buckets.map(({ labels: { le } }) => (le === "+Inf" ? Number.POSITIVE_INFINITY : Number(le)));
    expect(bounds).toEqual(bounds.toSorted((a, b) => a - b));
    expect(bounds.at(-1)).toBe(Number.POSITIVE_INFINITY);
    const counts = buckets.map(({ value }) => value);
    expect(counts).toEqual(counts.toSorted((a, b) => a - b));
    expect(of("count").map(({ value }) => value)).toEqual(counts.slice(-1));
    expect(of("sum")).toHaveLength(1);
    expect(series).toHaveLength(buckets.length + 2);
  }
}
