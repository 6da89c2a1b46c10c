import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { PrimaryLink } from "./link-to-primary.ts";
import type { ToWorker } from "./messages.ts";
import { answerMetrics, createMetricsCollector } from "./metrics.ts";
import type { WorkerLink } from "./worker-process.ts";

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
  const serving = new Set<TestWorker>();
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
    serving.add(worker);
    return worker;
  }
  function leave(worker: TestWorker): void {
    serving.delete(worker);
    collector.left(worker);
  }
  const gather = async (own: Registry) => {
    const { registry, missing } = await collector.gather(own, () => [...serving]);
    return { text: await textOf(registry), missing };
  };
  return { join, leave, gather };
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
  const { join, gather } = createMachine();
  join(1, registryWith(2));
  join(2, registryWith(4));
  const { text, missing } = await gather(registryWith(1));
  expect(missing).toBe(0);
  expect(text.split("\n").filter((line) => line !== "")).toEqual([
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
  const { join, gather } = createMachine();
  join(1, registryWith(2));
  const late = join(2, registryWith(4));
  await gather(new Registry());
  late.answers = false;
  const gathered = gather(new Registry());
  await vi.advanceTimersByTimeAsync(1_000);
  const { text, missing } = await gathered;
  expect(missing).toBe(1);
  expect(text).toContain('calls_total{code="OK"} 6\n');
  expect(text).toContain("open 2\n");
});

test("a worker that has never answered, or fails to collect, is counted", async () => {
  const { join, gather } = createMachine();
  join(1, { getMetricsAsJSON: () => Promise.reject(new Error("broken")) });
  const gathered = gather(registryWith(1));
  await vi.advanceTimersByTimeAsync(1_000);
  const { text, missing } = await gathered;
  expect(missing).toBe(1);
  expect(text).toContain('calls_total{code="OK"} 1\n');
});

test("counters of workers that have ended stay in the sum, so that no counter falls", async () => {
  const { join, leave, gather } = createMachine();
  const workers = [join(1, registryWith(2)), join(2, registryWith(4))];
  await gather(new Registry());
  for (const worker of workers) leave(worker);
  join(3, registryWith(1));
  const { text, missing } = await gather(registryWith(1));
  expect(missing).toBe(0);
  expect(text).toContain('calls_total{code="OK"} 8\n');
  expect(text).toContain("duration_count 4\n");
  expect(text).toContain("open 2\n");
});

test("a worker that ends during a scrape is not awaited, and is not late", async () => {
  const { join, leave, gather } = createMachine();
  const worker = join(1, registryWith(2));
  worker.answers = false;
  const gathered = gather(registryWith(1));
  leave(worker);
  expect((await gathered).missing).toBe(0);
});

test("a worker that ends after its answer to a scrape that waits for another one is counted once", async () => {
  const { join, leave, gather } = createMachine();
  const first = join(1, registryWith(2));
  const late = join(2, registryWith(4));
  late.answers = false;
  const gathered = gather(new Registry());
  await vi.advanceTimersByTimeAsync(500);
  leave(first);
  await vi.advanceTimersByTimeAsync(500);
  const { text, missing } = await gathered;
  expect(missing).toBe(1);
  expect(text).toContain('calls_total{code="OK"} 2\n');
  expect(text).not.toContain("open");
});

/** The registry of the one worker that has something to export, and the gauge that only it sets. */
function createSole() {
  const registry = registryWith(1);
  const gauge = new Gauge({ name: "sole", help: "Of one worker", aggregator: "max", registers: [registry] });
  gauge.remove();
  return { registry, gauge };
}

function registryWithSole(value: number): Registry {
  const { registry, gauge } = createSole();
  gauge.set(value);
  return registry;
}

test("a gauge that only one worker has is kept while that worker is late", async () => {
  const { join, gather } = createMachine();
  const checks = join(1, registryWithSole(8));
  join(2, registryWith(1));
  await gather(new Registry());
  checks.answers = false;
  const gathered = gather(new Registry());
  await vi.advanceTimersByTimeAsync(1_000);
  const { text } = await gathered;
  expect(text).toContain("sole 8\n");
  expect(text).toContain("open 1\n");
});

test("a gauge that only one worker has is kept until the worker's replacement reports it", async () => {
  const { join, leave, gather } = createMachine();
  const checks = join(1, registryWithSole(8));
  join(2, registryWith(1));
  await gather(new Registry());
  leave(checks);
  expect((await gather(new Registry())).text).toContain("sole 8\n");
  const replacement = createSole();
  join(3, replacement.registry);
  expect((await gather(new Registry())).text).toContain("sole 8\n");
  replacement.gauge.set(5);
  expect((await gather(new Registry())).text).toContain("sole 5\n");
});
