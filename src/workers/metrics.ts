/** One answer to a scrape from several processes. */
import { AggregatorRegistry, type PrometheusContentType, type Registry } from "prom-client";
import type { PrimaryLink } from "./link-to-primary.ts";
import type { MetricList } from "./messages.ts";
import type { WorkerLink } from "./supervisor.ts";

type OwnMetrics = Pick<Registry, "getMetricsAsJSON">;

/** The metrics of all processes together. */
export interface GatheredMetrics {
  /** Each metric by its own aggregator, as in prom-client's clusters. */
  readonly registry: Registry<PrometheusContentType>;
  /** Workers that did not answer in time. Their gauges are left out. */
  readonly missing: number;
}

export interface MetricsCollector {
  /** Asks workers for their metrics, and adds those of this process. No worker can make it fail. */
  gather(own: OwnMetrics, workers: readonly WorkerLink[]): Promise<GatheredMetrics>;
  /** Takes the answer of a worker. */
  received(worker: WorkerLink, answer: { readonly id: number; readonly metrics: MetricList }): void;
  /** Takes note that a worker has ended: its counters stay in the sum, as far as they were known. */
  left(worker: WorkerLink): void;
}

/** prom-client's own collection fails as a whole when one worker is late. */
const answerTimeoutMs = 1_000;

/** Creates the primary's side. */
export function createMetricsCollector(): MetricsCollector {
  const waiting = new Map<number, { readonly worker: number; readonly answer: (metrics?: MetricList) => void }>();
  /** By worker. A counter that falls, as without a worker's part, looks like a restart, and its rate like a rush. */
  const lastCounters = new Map<number, MetricList>();
  let countersOfEnded: Promise<MetricList> = Promise.resolve([]);
  let lastId = 0;

  function ask(worker: WorkerLink): Promise<MetricList | undefined> {
    const { promise, resolve } = Promise.withResolvers<MetricList | undefined>();
    const id = ++lastId;
    const timer = setTimeout(resolve, answerTimeoutMs, undefined);
    waiting.set(id, { worker: worker.id, answer: resolve });
    worker.send({ type: "metrics", id });
    return promise.finally(() => {
      clearTimeout(timer);
      waiting.delete(id);
    });
  }

  return {
    async gather(own, workers) {
      const [mine, ...answers] = await Promise.all([own.getMetricsAsJSON(), ...workers.map(ask)]);
      const fresh = answers.filter((answer) => answer !== undefined);
      const late = workers.filter((_, index) => answers[index] === undefined);
      const known = late.flatMap(({ id }) => [lastCounters.get(id) ?? []]);
      return { registry: aggregate([mine, ...fresh, ...known, await countersOfEnded]), missing: late.length };
    },
    received({ id: worker }, { id, metrics }) {
      const asked = waiting.get(id);
      if (asked?.worker !== worker) return;
      lastCounters.set(worker, metrics.filter(isCounter));
      asked.answer(metrics);
    },
    left({ id: worker }) {
      for (const { answer } of [...waiting.values()].filter((asked) => asked.worker === worker)) answer();
      const last = lastCounters.get(worker);
      lastCounters.delete(worker);
      if (last) countersOfEnded = countersOfEnded.then((sum) => aggregate([sum, last]).getMetricsAsJSON());
    },
  };
}

function aggregate(lists: readonly MetricList[]): Registry<PrometheusContentType> {
  return AggregatorRegistry.aggregate([...lists]);
}

/** Whether a metric only grows. prom-client writes the type as a word, which its own types do not say. */
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
