import { AggregatorRegistry, type PrometheusContentType } from "prom-client";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ConcertService } from "../../../gen/frontrow/v1/concert_service_pb.ts";
import { readMetrics } from "../../../test/support/service/metrics.ts";
import type { Failure } from "../../domain/failure.ts";
import { concertIdOf } from "../../domain/ids.ts";
import type { FinishedCall } from "../../rpc/events.ts";
import { type AppEvents, createEventHub, type EventHub } from "../events.ts";
import { createMetrics, createPrimaryMetrics, type Metrics } from "./registry.ts";

const limits = { databasePoolSize: 10, maxQueuedRequests: 1_000, maxConnections: 100 };
const concertId = concertIdOf(1n);
const error = new Error("no");

let hub: EventHub<AppEvents>;
let metrics: Metrics;

function create() {
  const events = createEventHub<AppEvents>((thrown) => expect.unreachable(String(thrown)));
  return { events, of: createMetrics(events, limits) };
}

beforeEach(() => {
  ({ events: hub, of: metrics } = create());
});
afterEach(() => metrics[Symbol.dispose]());

const read = async (of = metrics) => readMetrics(await of.registry.metrics());

/** The metrics of several processes, which send them as JSON. */
async function together(of: readonly Pick<Metrics, "registry">[]) {
  const lists = await Promise.all(of.map(({ registry }) => registry.getMetricsAsJSON()));
  const sent = JSON.parse(JSON.stringify(lists));
  return readMetrics(await AggregatorRegistry.aggregate<PrometheusContentType>(sent).metrics());
}

/** A call that has ended. */
const call = (changes: Partial<FinishedCall> = {}): FinishedCall => ({
  ...{ service: ConcertService.typeName, method: "GetConcert", protocol: "rest", code: "OK" },
  ...{ durationMs: 3, messages: undefined, error: undefined },
  ...{ requestId: "a", trace: undefined, user: undefined },
  ...changes,
});

const counted: [name: string, event: Parameters<EventHub<AppEvents>["publish"]>, labels?: Record<string, string>][] = [
  [
    "batch_retries_total",
    ["booking.batch_retried", { concertId, requests: 3, error, attempt: 1, lockWaitMs: 0, batchTrace: undefined }],
  ],
  [
    "batches_total",
    ["booking.batch_failed", { concertId, requests: 3, error, lockWaitMs: 0, batchTrace: undefined }],
    { outcome: "failed" },
  ],
  ["queue_refusals_total", ["booking.overloaded", { concertId }]],
  ["commits_in_doubt_total", ["store.commit_in_doubt", { error }]],
  ["commits_settled_total", ["store.commit_settled", { outcome: "unknown" }], { outcome: "unknown" }],
  ["database_connection_refusals_total", ["store.connection_refused", { waitMs: 5_000 }]],
  ["database_retries_total", ["store.retried", { error, attempt: 1 }]],
  [
    "shed_calls_total",
    ["rpc.call_shed", { service: "a", method: "b", lane: "bookings", eventLoopDelayMs: 9_000 }],
    { lane: "bookings" },
  ],
  ["concurrency_limited_total", ["rpc.concurrency_limited", { of: "streams", by: "process" }], { limit: "streams" }],
  ["redis_failures_total", ["limits.redis_failed", { code: undefined, message: "gone" }]],
  ["token_keys_failures_total", ["auth.keys_unreachable", { error }]],
  [
    "tokens_rejected_total",
    ["auth.token_rejected", { requestId: "a", traceId: undefined, describe: () => expect.unreachable() }],
  ],
];

test.each(counted)("%s counts its event", async (name, event, labels = {}) => {
  expect((await read()).value(`frontrow_${name}`, labels)).toBe(0);
  hub.publish(...event);
  expect((await read()).value(`frontrow_${name}`, labels)).toBe(1);
  expect((await read()).value(`frontrow_${name}`)).toBe(1);
});

describe("a call", () => {
  test.each([
    [{ service: "evil.Service" }, { service: "other", method: "other", protocol: "other", code: "OK" }],
    [{ method: "Evil" }, { service: "other", method: "other", protocol: "other", code: "OK" }],
    [{ protocol: "evil" as "rest" }, { service: "other", method: "other", protocol: "other", code: "OK" }],
    [{ code: "Evil" }, { service: ConcertService.typeName, method: "GetConcert", protocol: "rest", code: "other" }],
  ])("with a value outside of the closed sets counts as other: %j", async (changes, labels) => {
    metrics.addServices([ConcertService]);
    hub.publish("rpc.call_finished", call(changes));
    const after = await read();
    expect(after.value("frontrow_calls_total", labels)).toBe(1);
    expect(after.value("frontrow_calls_total")).toBe(1);
    expect(JSON.stringify([...after.families])).not.toMatch(/evil/i);
  });

  test("is in the first bucket that has room for its duration", async () => {
    metrics.addServices([ConcertService]);
    for (const durationMs of [1, 1.1, 2.5, 10_000, 10_001]) hub.publish("rpc.call_finished", call({ durationMs }));
    const after = await read();
    const upTo = (le: string) => after.value("frontrow_call_duration_seconds_bucket", { le });
    expect(["0.001", "0.0025", "0.005", "5", "10", "+Inf"].map(upTo)).toEqual([1, 3, 3, 3, 4, 5]);
    expect(after.value("frontrow_call_duration_seconds_sum")).toBeCloseTo(20.0056, 6);
  });

  test.each([
    ["OK", "answered"],
    ["NotFound", "refused"],
    ["ResourceExhausted", "refused"],
    ["Canceled", "refused"],
    ["Evil", "refused"],
    ["Internal", "failed"],
    ["Unknown", "failed"],
    ["Unavailable", "failed"],
    ["DeadlineExceeded", "failed"],
    ["DataLoss", "failed"],
  ])("that ends with %s is %s", async (code, result) => {
    metrics.addServices([ConcertService]);
    hub.publish("rpc.call_finished", call({ code }));
    const after = await read();
    expect(after.value("frontrow_call_duration_seconds_count", { result })).toBe(1);
    expect(after.value("frontrow_call_duration_seconds_count")).toBe(1);
  });

  test("begins the series of the codes of trouble at 0", async () => {
    metrics.addServices([ConcertService]);
    hub.publish("rpc.call_finished", call());
    expect((await read()).value("frontrow_calls_total", { code: "Internal" })).toBe(0);
  });
});

test("the database is up or down once it has been probed, and up if one of several processes finds it so", async () => {
  const { events, of } = create();
  expect((await read()).value("frontrow_database_up")).toBeUndefined();
  expect((await together([metrics, of])).value("frontrow_database_up")).toBeUndefined();
  hub.publish("transport.database_probed", { isGood: false });
  expect((await read()).value("frontrow_database_up")).toBe(0);
  expect((await together([metrics, of])).value("frontrow_database_up")).toBe(0);
  events.publish("transport.database_probed", { isGood: true });
  expect((await together([metrics, of])).value("frontrow_database_up")).toBe(1);
  of[Symbol.dispose]();
});

test("an embedded database is up until it fails", async () => {
  expect((await read()).value("frontrow_embedded_database_up")).toBeUndefined();
  const { promise, resolve } = Promise.withResolvers<void>();
  metrics.watchEmbedded(promise);
  expect((await read()).value("frontrow_embedded_database_up")).toBe(1);
  resolve();
  await promise;
  expect((await read()).value("frontrow_embedded_database_up")).toBe(0);
});

test("the workers are those of the process that starts them", async () => {
  expect((await read()).value("frontrow_workers")).toBeUndefined();
  metrics.watchWorkers({ configured: () => 4, running: () => 3, silent: () => 1, restarts: () => 2 });
  expect((await read()).value("frontrow_workers", { state: "configured" })).toBe(4);
  expect((await read()).value("frontrow_workers", { state: "running" })).toBe(3);
  expect((await read()).value("frontrow_workers", { state: "silent" })).toBe(1);
  expect((await read()).value("frontrow_worker_restarts_total")).toBe(2);
});

test("a process whose workers serve is not ready while none does, and otherwise as ready as they are", async () => {
  let running = 0;
  using primary = createPrimaryMetrics(hub);
  primary.watchWorkers({ configured: () => 1, running: () => running, silent: () => 0, restarts: () => 0 });
  expect((await together([primary])).value("frontrow_ready")).toBe(0);
  running = 1;
  expect((await together([primary, metrics])).value("frontrow_ready")).toBe(0);
  hub.publish("transport.readiness_changed", { state: "ready", reason: undefined, cause: undefined });
  expect((await together([primary, metrics])).value("frontrow_ready")).toBe(1);
  expect((await together([primary, metrics])).value("frontrow_build_info")).toBe(1);
});

test("readings are read at each scrape", async () => {
  let queued = 3;
  metrics.read({ queuedRequests: () => queued, callsInFlight: () => 5, eventLoopDelayMs: () => 250 });
  const first = await read();
  expect(first.value("frontrow_queue_depth")).toBe(3);
  expect(first.value("frontrow_queue_fullness_ratio")).toBe(0.003);
  expect(first.value("frontrow_calls_in_flight")).toBe(5);
  expect(first.value("frontrow_event_loop_delay_seconds")).toBe(0.25);
  queued = 4;
  expect((await read()).value("frontrow_queue_depth")).toBe(4);
});

describe("errors that a client causes are counted by lane", () => {
  const errorOf = (failure?: Failure) => ({ message: "no", cause: undefined, failure });

  test("if its token names an unknown key, unlike those for which no key can be fetched", async () => {
    metrics.addServices([ConcertService]);
    const end = (isKeyUnknown: boolean, method: string) => {
      const error = errorOf({ reason: "KEYS_UNAVAILABLE", retryDelayMs: 1, isKeyUnknown });
      hub.publish("rpc.call_finished", call({ method, code: "Unavailable", error }));
    };
    const cause = "unknown_key";
    const name = "frontrow_client_caused_errors_total";
    expect((await read()).value(name, { lane: "reads", cause })).toBe(0);
    end(true, "GetConcert");
    end(true, "UpdateConcert");
    end(false, "GetConcert");
    end(true, "NoSuchMethod");
    const found = await read();
    expect(found.value(name, { lane: "reads", cause })).toBe(1);
    expect(found.value(name, { lane: "admin", cause })).toBe(1);
    expect(found.value(name)).toBe(2);
    expect(found.value("frontrow_calls_total", { code: "Unavailable" })).toBe(4);
  });

  test.each([
    [{ code: "DeadlineExceeded", timeoutMs: 0 }, 1],
    [{ code: "DeadlineExceeded", timeoutMs: 999 }, 1],
    [{ code: "DeadlineExceeded", timeoutMs: 1_000 }, 0],
    [{ code: "DeadlineExceeded", timeoutMs: Number.POSITIVE_INFINITY }, 0],
    [{ code: "Unavailable", timeoutMs: 1 }, 0],
  ])("if it allows less than a second: %j", async (changes, count) => {
    metrics.addServices([ConcertService]);
    hub.publish("rpc.call_finished", call({ ...changes, error: errorOf() }));
    const found = await read();
    const labels = { lane: "reads", cause: "short_deadline" };
    expect(found.value("frontrow_client_caused_errors_total", labels)).toBe(count);
    expect(found.value("frontrow_client_caused_errors_total")).toBe(count);
  });
});

test("lines of the log and spans that are left out are counted", async () => {
  const before = await read();
  expect(before.value("frontrow_log_lines_dropped_total")).toBe(0);
  expect(before.value("frontrow_traces_dropped_total", { reason: "queue_full" })).toBe(0);
  hub.publish("telemetry.log_lines_dropped", { lines: 1 });
  hub.publish("telemetry.log_lines_dropped", { lines: 3 });
  hub.publish("telemetry.spans_dropped", { spans: 1, reason: "queue_full", error: undefined });
  hub.publish("telemetry.spans_dropped", { spans: 512, reason: "export_failed", error });
  const after = await read();
  expect(after.value("frontrow_log_lines_dropped_total")).toBe(4);
  expect(after.value("frontrow_traces_dropped_total", { reason: "queue_full" })).toBe(1);
  expect(after.value("frontrow_traces_dropped_total", { reason: "export_failed" })).toBe(512);
});

test("after its disposal it follows no events", async () => {
  metrics[Symbol.dispose]();
  hub.publish("store.retried", { error, attempt: 1 });
  expect((await read()).value("frontrow_database_retries_total")).toBe(0);
});

test("the metrics of several processes become those of one", async () => {
  const other = create();
  for (const [of, events] of [
    [metrics, hub],
    [other.of, other.events],
  ] as const) {
    of.addServices([ConcertService]);
    events.publish("rpc.call_finished", call());
    events.publish("transport.readiness_changed", { state: "ready", reason: undefined, cause: undefined });
    for (const change of ["opened", "opened", "closed", "opened"] as const)
      events.publish("transport.connection_changed", { change });
  }
  other.events.publish("transport.readiness_changed", { state: "draining", reason: undefined, cause: undefined });
  other.of.watchInventory();
  other.events.publish("booking.inventory_checked", { mismatched: 1, pass: undefined });
  metrics.read({ queuedRequests: () => 1, callsInFlight: () => 1, eventLoopDelayMs: () => 100 });
  other.of.read({ queuedRequests: () => 3, callsInFlight: () => 1, eventLoopDelayMs: () => 300 });

  const one = await together([metrics, other.of]);
  expect(one.value("frontrow_calls_total", { code: "OK" })).toBe(2);
  expect(one.value("frontrow_call_duration_seconds_bucket", { le: "0.005" })).toBe(2);
  expect(one.value("frontrow_call_duration_seconds_count")).toBe(2);
  expect(one.value("frontrow_connections_open")).toBe(4);
  expect(one.value("frontrow_connections_limit")).toBe(100);
  expect(one.value("frontrow_queue_limit")).toBe(2_000);
  expect(one.value("frontrow_queue_depth")).toBe(4);
  expect(one.value("frontrow_queue_fullness_ratio")).toBe(0.003);
  expect(one.value("frontrow_event_loop_delay_seconds")).toBe(0.3);
  const started = (await read()).value("process_start_time_seconds");
  expect(one.value("process_start_time_seconds")).toBe(started);
  const openFiles = one.value("frontrow_open_files_ratio");
  if (process.platform === "linux")
    expect(openFiles).toBeCloseTo((one.value("process_open_fds") ?? 0) / (one.value("process_max_fds") ?? 1));
  else expect(openFiles).toBeUndefined();
  expect(one.value("frontrow_ready")).toBe(0);
  expect(one.value("frontrow_inventory_mismatch")).toBe(1);
  expect(one.value("frontrow_build_info")).toBe(1);
  other.of[Symbol.dispose]();
});
