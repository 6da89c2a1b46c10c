/** One answer to a scrape from several processes. */
import { AggregatorRegistry, type MetricObject, type PrometheusContentType, type Registry } from "prom-client";
import type { PrimaryLink } from "./link-to-primary.ts";
import type { MetricList } from "./messages.ts";
import type { WorkerLink } from "./worker-process.ts";

type OwnMetrics = Pick<Registry, "getMetricsAsJSON">;

/** The metrics of all processes together. */
export interface GatheredMetrics {
  /** Each metric by its own aggregator, as in prom-client's clusters. */
  readonly registry: Registry<PrometheusContentType>;
  /** Workers that serve and did not answer in time. */
  readonly missing: number;
}

export interface MetricsCollector {
  /** Asks the workers that serve for their metrics, and adds those of this process. A worker that fails is missing. */
  gather(own: OwnMetrics, serving: () => readonly WorkerLink[]): Promise<GatheredMetrics>;
  /** Stores the answer of a worker. */
  received(worker: WorkerLink, answer: { readonly id: number; readonly metrics: MetricList }): void;
  /** Adds the counters of a worker that no longer serves to those that stay in the sum, as far as they are known. */
  left(worker: WorkerLink): void;
}

/** prom-client's own collection fails as a whole when one worker is late. */
const answerTimeoutMs = 1_000;

/** Creates the primary's side. */
export function createMetricsCollector(): MetricsCollector {
  const waiting = new Map<number, { readonly worker: number; readonly answer: (isInTime: boolean) => void }>();
  /** The last answer of each worker. */
  const known = new Map<number, MetricList>();
  /** Gauges that only one worker exports, with the last values. */
  const soleGauges = new Map<string, MetricList[number]>();
  /** A counter that falls, as without a worker's part, looks like a restart, and its rate like a rush. */
  let countersOfEnded: MetricList = [];
  let lastId = 0;

  function ask(worker: WorkerLink): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const id = ++lastId;
    const timer = setTimeout(resolve, answerTimeoutMs, false);
    waiting.set(id, { worker: worker.id, answer: resolve });
    worker.send({ type: "metrics", id });
    return promise.finally(() => {
      clearTimeout(timer);
      waiting.delete(id);
    });
  }

  /** The gauges of workers that answer no more, or not yet, and that no other worker exports. */
  function gaugesToKeep(fresh: readonly MetricList[]): MetricList {
    // With the answers of one worker alone, each of its gauges would seem to be its only.
    if (known.size > 1) {
      const gauges = [...known.values()].flat().filter((metric) => isGauge(metric) && metric.values.length > 0);
      for (const [name, [gauge, ...others]] of Map.groupBy(gauges, (metric) => metric.name)) {
        if (gauge && others.length === 0) soleGauges.set(name, gauge);
      }
    }
    const exported = new Set(fresh.flat().flatMap(({ name, values }) => (values.length > 0 ? name : [])));
    return [...soleGauges.values()].filter(({ name }) => !exported.has(name));
  }

  return {
    async gather(own, serving) {
      const asked = serving();
      const [mine, ...areInTime] = await Promise.all([own.getMetricsAsJSON(), ...asked.map(ask)]);
      // In one step, so that a worker that has ended meanwhile is in `countersOfEnded` and not here as well.
      const stillServing = new Set(serving());
      const workers = asked
        .map((worker, index) => ({ worker, isInTime: areInTime[index], last: known.get(worker.id) ?? [] }))
        .filter(({ worker }) => stillServing.has(worker));
      const fresh = workers.filter(({ isInTime }) => isInTime).map(({ last }) => last);
      const late = workers.filter(({ isInTime }) => !isInTime).map(({ last }) => last.filter(isCounter));
      const lists = [mine, ...fresh, ...late, countersOfEnded, gaugesToKeep(fresh)];
      return { registry: AggregatorRegistry.aggregate(lists), missing: late.length };
    },
    received({ id: worker }, { id, metrics }) {
      const asked = waiting.get(id);
      if (asked?.worker !== worker) return;
      known.set(worker, metrics);
      asked.answer(true);
    },
    left({ id: worker }) {
      for (const { answer } of [...waiting.values()].filter((asked) => asked.worker === worker)) answer(false);
      const counters = (known.get(worker) ?? []).filter(isCounter);
      known.delete(worker);
      const sum = AggregatorRegistry.aggregate([countersOfEnded, counters]);
      // Those of an aggregate have their values, which the type does not say.
      countersOfEnded = sum.getMetricsAsArray() as readonly MetricObject[] as MetricList;
    },
  };
}

/** prom-client writes the type of a metric as a word, which its own types do not say. */
function isGauge({ type }: MetricList[number]): boolean {
  return String(type) === "gauge";
}

/** Whether a metric only grows. */
function isCounter({ type }: MetricList[number]): boolean {
  return ["counter", "histogram"].includes(String(type));
}

/** Answers the primary's questions for the metrics of this worker. */
export function answerMetrics(primary: PrimaryLink, own: OwnMetrics): void {
  primary.on("metrics", async ({ id }) => {
    const metrics = await own.getMetricsAsJSON().catch(() => undefined);
    // Without an answer the worker is missing from the sum.
    if (metrics) await primary.send({ type: "metrics", id, metrics });
  });
}
