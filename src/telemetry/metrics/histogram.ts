import { Histogram, type HistogramConfiguration } from "prom-client";

/** The observations of one set of labels. */
export interface Series {
  observe(value: number): void;
}

interface Counts extends Series {
  readonly labels: Readonly<Record<string, string>>;
  /** Observations by the first bucket that has room for them. The last is that of no bound. */
  readonly byBucket: readonly number[];
  sum(): number;
}

/** What prom-client renders. */
type Values = Awaited<ReturnType<Histogram["get"]>>;

/** A histogram of prom-client that counts in arrays, and makes prom-client's values of them at a scrape. */
export class PlainHistogram extends Histogram {
  // prom-client's class has these, but its types do not.
  declare readonly name: string;
  declare readonly help: string;
  declare readonly type: Values["type"];
  declare readonly aggregator: Values["aggregator"];
  readonly #bounds: readonly number[];
  readonly #series: Counts[] = [];

  constructor(configuration: HistogramConfiguration<string> & { readonly buckets: number[] }) {
    super(configuration);
    this.#bounds = configuration.buckets;
  }

  series(labels: Readonly<Record<string, string>>): Series {
    const counts = createCounts(labels, this.#bounds);
    this.#series.push(counts);
    return counts;
  }

  /** For a registry's JSON. */
  override get(): Promise<Values> {
    return this.getForPromString();
  }

  /** For a registry's text. */
  async getForPromString(): Promise<Values> {
    const { aggregator, help, name, type } = this;
    const values = this.#series.flatMap(({ labels, byBucket, sum }) => {
      let count = 0;
      const buckets = byBucket.map((inBucket, index) => {
        count += inBucket;
        const le = this.#bounds[index] ?? "+Inf";
        return { metricName: `${name}_bucket`, labels: { le, ...labels }, value: count };
      });
      return [
        ...buckets,
        { metricName: `${name}_sum`, labels, value: sum() },
        { metricName: `${name}_count`, labels, value: count },
      ];
    });
    return { ...{ aggregator, help, name, type, values }, collect: () => {} };
  }
}

function createCounts(labels: Readonly<Record<string, string>>, bounds: readonly number[]): Counts {
  const byBucket = new Array<number>(bounds.length + 1).fill(0);
  let sum = 0;
  return {
    labels,
    byBucket,
    sum: () => sum,
    observe(value) {
      let bucket = 0;
      while (bucket < bounds.length && value > (bounds[bucket] ?? 0)) bucket++;
      byBucket[bucket] = (byBucket[bucket] ?? 0) + 1;
      sum += value;
    },
  };
}
