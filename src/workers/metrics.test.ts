import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { PrimaryLink } from "./link-to-primary.ts";
import type { ToWorker } from "./messages.ts";
import { answerMetrics, createMetricsCollector } from "./metrics.ts";
import type { WorkerLink } from "./supervisor.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

interface TestWorker extends WorkerLink {
  /** Whether it answers from now on. */
  answers: boolean;
}

/** A collector, and workers whose messages become JSON on their way. */
function createMachine() {
  const collector = createMetricsCollector();
  function join(id: number, registry: Pick<Registry, "getMetricsAsJSON">): TestWorker {
    let listener: ((message: never) => void) | undefined;
    const link: PrimaryLink = {
      send: async (message) => {
        if (message.type === "metrics") collector.received(worker, JSON.parse(JSON.stringify(message)));
      },
      on(_, added) {
        listener = added;
      },
    };
    answerMetrics(link, registry);
    const worker: TestWorker = {
      id,
      answers: true,
      send: (message: ToWorker) => worker.answers && listener?.(message as never),
    };
    return worker;
  }
  return { collector, join };
}

function registryWith(calls: number): Registry {
  const registers = [new Registry()] as const;
  new Counter({ name: "calls_total", help: "Calls", labelNames: ["code"], registers: [...registers] }).inc(
    { code: "OK" },
    calls,
  );
  new Gauge({ name: "open", help: "Open connections", registers: [...registers] }).set(calls);
  new Gauge({ name: "delay", help: "Delay", aggregator: "max", registers: [...registers] }).set(calls);
  const duration = new Histogram({ name: "duration", help: "Duration", buckets: [1, 2], registers: [...registers] });
  duration.observe(calls);
  return registers[0];
}

async function textOf(registry: Registry): Promise<string> {
  return (await registry.metrics()).replaceAll(/^#.*\n/gm, "");
}

test("sums the metrics of the primary and its workers, each by its own aggregator", async () => {
  const { collector, join } = createMachine();
  const { registry, missing } = await collector.gather(registryWith(1), [
    join(1, registryWith(2)),
    join(2, registryWith(4)),
  ]);
  expect(missing).toBe(0);
  expect((await textOf(registry)).split("\n").filter((line) => line !== "")).toEqual([
    'calls_total{code="OK"} 7',
    "open 7",
    "delay 4",
    'duration_bucket{le="1"} 1',
    'duration_bucket{le="2"} 2',
    'duration_bucket{le="+Inf"} 3',
    "duration_sum 7",
    "duration_count 3",
  ]);
});

test("a worker that does not answer in a second is counted, and only its gauges are left out", async () => {
  const { collector, join } = createMachine();
  const workers = [join(1, registryWith(2)), join(2, registryWith(4))] as const;
  await collector.gather(new Registry(), workers);
  workers[1].answers = false;
  const gathered = collector.gather(new Registry(), workers);
  await vi.advanceTimersByTimeAsync(1_000);
  const { registry, missing } = await gathered;
  expect(missing).toBe(1);
  const text = await textOf(registry);
  expect(text).toContain('calls_total{code="OK"} 6\n');
  expect(text).toContain("open 2\n");
});

test("a worker that has never answered, or fails to collect, is counted", async () => {
  const { collector, join } = createMachine();
  const broken = { getMetricsAsJSON: () => Promise.reject(new Error("broken")) };
  const gathered = collector.gather(registryWith(1), [join(1, broken)]);
  await vi.advanceTimersByTimeAsync(1_000);
  const { registry, missing } = await gathered;
  expect(missing).toBe(1);
  expect(await textOf(registry)).toContain('calls_total{code="OK"} 1\n');
});

test("counters of workers that have ended stay in the sum, so that no counter falls", async () => {
  const { collector, join } = createMachine();
  const workers = [join(1, registryWith(2)), join(2, registryWith(4))] as const;
  await collector.gather(new Registry(), workers);
  for (const worker of workers) collector.left(worker);
  const { registry, missing } = await collector.gather(registryWith(1), [join(3, registryWith(1))]);
  expect(missing).toBe(0);
  const text = await textOf(registry);
  expect(text).toContain('calls_total{code="OK"} 8\n');
  expect(text).toContain("duration_count 4\n");
  expect(text).toContain("open 2\n");
});

test("a scrape does not wait for a worker that ends", async () => {
  const { collector, join } = createMachine();
  const worker = join(1, registryWith(2));
  worker.answers = false;
  const gathered = collector.gather(registryWith(1), [worker]);
  collector.left(worker);
  expect((await gathered).missing).toBe(1);
});
