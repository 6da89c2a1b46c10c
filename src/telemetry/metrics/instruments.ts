/**
 * Counters, gauges and histograms of one registry. An event only adds to a plain number: prom-client would compute a hash of
 * the labels for each observation. The numbers become prom-client's values at a scrape.
 */
import { type Aggregator, Counter, Gauge, type Registry } from "prom-client";
import { PlainHistogram, type Series } from "./histogram.ts";

export type Labels = Readonly<Record<string, string>>;

/** A number that grows, or goes up and down. */
export interface Cell {
  value: number;
}

type Reading = () => number | undefined;

/** The series of one metric with labels. */
export interface Family<Each> {
  /** Creates a series. To be called once for each set of labels, whose values must be of closed sets. */
  series(labels: Labels): Each;
}

export type Instruments = ReturnType<typeof createInstruments>;

/** Creates the instruments of a registry. In all of them `help` ends without a full stop. */
export function createInstruments(registry: Registry) {
  const registers = [registry];

  function counters(name: string, help: string, labelNames: readonly string[]): Family<Cell> {
    const all: { readonly labels: Labels; readonly cell: Cell }[] = [];
    new Counter({
      ...{ name, help, labelNames, registers },
      collect() {
        this.reset();
        for (const { labels, cell } of all) this.inc(labels, cell.value);
      },
    });
    return { series: (labels) => addTo(all, labels) };
  }

  function gauges(name: string, help: string, labelNames: readonly string[], aggregator: Aggregator): Family<Cell> {
    const all: { readonly labels: Labels; readonly cell: Cell }[] = [];
    const gauge = new Gauge({
      ...{ name, help, labelNames, registers, aggregator },
      collect() {
        for (const { labels, cell } of all) this.set(labels, cell.value);
      },
    });
    // prom-client begins a gauge without labels at 0.
    if (labelNames.length === 0) gauge.remove();
    return { series: (labels) => addTo(all, labels) };
  }

  /** A gauge without labels that is read at each scrape. Undefined is no value. */
  function gaugeOf(name: string, help: string, aggregator: Aggregator, read: Reading): void {
    new Gauge({
      ...{ name, help, registers, aggregator },
      collect() {
        const value = read();
        if (value === undefined) this.remove({});
        else this.set(value);
      },
    });
  }

  /** A gauge with one label, whose series are read at each scrape. */
  function gaugesBy(
    name: string,
    help: string,
    label: string,
    aggregator: Aggregator,
    reads: Readonly<Record<string, () => number>>,
  ): void {
    new Gauge({
      ...{ name, help, labelNames: [label], registers, aggregator },
      collect() {
        for (const [value, read] of Object.entries(reads)) this.set({ [label]: value }, read());
      },
    });
  }

  function histograms(
    name: string,
    help: string,
    labelNames: readonly string[],
    buckets: readonly number[],
  ): Family<Series> {
    return new PlainHistogram({ ...{ name, help, labelNames, registers }, buckets: [...buckets] });
  }

  return {
    registry,
    counters,
    /** A counter without labels. */
    counter: (name: string, help: string): Cell => counters(name, help, []).series({}),
    /** A counter with one label, whose series begin at 0. */
    counterBy<const Value extends string>(name: string, help: string, label: string, values: readonly Value[]) {
      const family = counters(name, help, [label]);
      const cells = values.map((value) => [value, family.series({ [label]: value })] as const);
      return Object.fromEntries(cells) as Readonly<Record<Value, Cell>>;
    },
    gauges,
    /** A gauge without labels. `aggregator` makes one value of those of several processes. */
    gauge: (name: string, help: string, aggregator: Aggregator): Cell => gauges(name, help, [], aggregator).series({}),
    gaugeOf,
    gaugesBy,
    /** A counter that is read at each scrape. */
    counterOf(name: string, help: string, read: () => number): void {
      new Counter({
        ...{ name, help, registers },
        collect() {
          this.reset();
          this.inc(read());
        },
      });
    },
    histograms,
    /** A histogram without labels. */
    histogram: (name: string, help: string, buckets: readonly number[]): Series =>
      histograms(name, help, [], buckets).series({}),
  };
}

function addTo(all: { readonly labels: Labels; readonly cell: Cell }[], labels: Labels): Cell {
  const cell = { value: 0 };
  all.push({ labels, cell });
  return cell;
}
