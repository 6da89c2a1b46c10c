import { afterEach, beforeEach, expect, it, onTestFinished, vi } from "vitest";
import { concertIdOf } from "../domain/ids.ts";
import { type AppEvents, createEventHub } from "./events.ts";
import { createLogger } from "./log.ts";
import { logEvents } from "./log-events.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
afterEach(() => void vi.useRealTimers());

function createLog(level: "debug" | "info" = "info") {
  const lines: Record<string, unknown>[] = [];
  const logger = createLogger({ level, destination: { write: (line) => lines.push(JSON.parse(line)) } });
  const hub = createEventHub<AppEvents>((error) => expect.unreachable(String(error)));
  const subscription = logEvents(hub, logger);
  // Its timer would run on in the tests of other files.
  onTestFinished(() => subscription[Symbol.dispose]());
  return { hub, lines, subscription };
}

it("warns of a commit in doubt, and says what became of it", () => {
  const { hub, lines } = createLog();
  const concertId = concertIdOf(7n);
  hub.publish("booking.commit_in_doubt", {
    concertId,
    requests: 3,
    error: new Error("reset"),
    lockWaitMs: 0,
    batchTrace: undefined,
  });
  hub.publish("booking.commit_settled", { concertId, outcome: "committed" });
  // A failover leaves several at once: none is dropped.
  hub.publish("booking.commit_settled", { concertId, outcome: "unknown" });
  hub.publish("booking.commit_settled", { concertId: concertIdOf(8n), outcome: "unknown" });
  expect(lines).toMatchObject([
    { level: "warn", concertId: 7, requests: 3, msg: expect.stringContaining("COMMIT was lost") },
    { level: "info", concertId: 7, outcome: "committed" },
    { level: "warn", concertId: 7, outcome: "unknown", msg: expect.stringContaining("may be stored") },
    { level: "warn", concertId: 8, outcome: "unknown" },
  ]);
});

it("names the traces of a batch whose commit is in doubt", () => {
  const { hub, lines } = createLog();
  const traces = Array.from({ length: 20 }, (_, at) => ({ traceId: `t-${at}`, spanId: "s", isSampled: true }));
  const batch = { concertId: concertIdOf(7n), requests: 20, error: new Error("reset"), lockWaitMs: 1 };
  hub.publish("booking.commit_in_doubt", { ...batch, batchTrace: { traces, askedAtMs: 0 } });
  expect(lines).toMatchObject([{ trace_ids: traces.slice(0, 16).map(({ traceId }) => traceId) }]);
});

it("logs one broken connection a second, and how many lines were dropped", () => {
  const { hub, lines } = createLog();
  for (let count = 0; count < 10; count++) hub.publish("store.connection_lost", { error: new Error("ECONNRESET") });
  vi.advanceTimersByTime(1_000);
  hub.publish("store.connection_lost", { error: new Error("ECONNRESET") });
  expect(lines.map(({ level, dropped, msg }) => ({ level, dropped, msg }))).toEqual([
    { level: "warn", dropped: undefined, msg: "an idle database connection broke" },
    { level: "warn", dropped: 9, msg: "an idle database connection broke" },
  ]);
});

it("says which setting ends the use of prepared statements", () => {
  const { hub, lines } = createLog();
  hub.publish("store.prepared_statement_lost", { error: new Error("it does not exist") });
  expect(lines).toMatchObject([
    { level: "warn", msg: expect.stringContaining("APP_DATABASE_PREPARED_STATEMENTS=false") },
  ]);
});

it("logs nothing after it is disposed of", () => {
  const { hub, lines, subscription } = createLog();
  subscription[Symbol.dispose]();
  hub.publish("store.connection_lost", { error: new Error("late") });
  expect(lines).toEqual([]);
});

it("logs a rejected token in one line at debug, and does not describe it above that level", () => {
  const token = { reason: "signature verification failed", kid: "key-1", alg: "ES256", iss: undefined };
  const describe = vi.fn(() => token);
  const quiet = createLog();
  quiet.hub.publish("auth.token_rejected", { requestId: "r-1", traceId: "t-1", describe });
  expect([quiet.lines, describe.mock.calls]).toEqual([[], []]);
  const { hub, lines } = createLog("debug");
  hub.publish("auth.token_rejected", { requestId: "r-1", traceId: "t-1", describe });
  expect(lines).toEqual([
    {
      ...{ level: "debug", time: expect.any(String), msg: "a token was refused", request_id: "r-1" },
      trace_id: "t-1",
      ...{ reason: "signature verification failed", kid: "key-1", alg: "ES256" },
    },
  ]);
});

it("warns every 30 seconds of a Redis that fails, with its message", () => {
  const { hub, lines } = createLog();
  const fail = (code: string) => hub.publish("limits.redis_failed", { code, message: "it failed" });
  fail("ECONNREFUSED");
  vi.advanceTimersByTime(29_999);
  fail("ECONNRESET");
  vi.advanceTimersByTime(1);
  fail("ETIMEDOUT");
  expect(lines).toMatchObject([
    { level: "warn", err: { code: "ECONNREFUSED", message: "it failed" } },
    { level: "warn", err: { code: "ETIMEDOUT", message: "it failed" } },
  ]);
});

it("warns of an unreachable key set, with its error", () => {
  const { hub, lines } = createLog();
  hub.publish("auth.keys_unreachable", { error: new Error("the key set was answered with 500") });
  expect(lines).toMatchObject([{ level: "warn", err: { message: "the key set was answered with 500" } }]);
});

it("says at the end how many lines were left out since the last one of their kind", () => {
  const { hub, lines, subscription } = createLog();
  for (let count = 0; count < 10; count++) hub.publish("store.connection_lost", { error: new Error("ECONNRESET") });
  subscription[Symbol.dispose]();
  expect(lines.slice(1)).toMatchObject([{ level: "warn", kind: "store.connection_lost", dropped: 9 }]);
});

it("says soon after a flood how many lines were left out, if no other line of the kind does", () => {
  vi.useFakeTimers({ toFake: ["performance", "setTimeout", "clearTimeout"] });
  const { hub, lines } = createLog();
  for (let count = 0; count < 10; count++) hub.publish("store.connection_lost", { error: new Error("ECONNRESET") });
  for (let count = 0; count < 3; count++) hub.publish("limits.redis_failed", { code: "EPIPE", message: "it failed" });
  vi.advanceTimersByTime(1_000);
  expect(lines.slice(2)).toMatchObject([{ level: "warn", kind: "store.connection_lost", dropped: 9 }]);
  vi.advanceTimersByTime(28_000);
  expect(lines).toHaveLength(3);
  vi.advanceTimersByTime(2_000);
  expect(lines.slice(3)).toMatchObject([{ level: "warn", kind: "limits.redis_failed", dropped: 2 }]);
  vi.advanceTimersByTime(60_000);
  expect(lines).toHaveLength(4);
});

it("warns of dropped spans once a minute for each reason, with all since the warning before", () => {
  const { hub, lines, subscription } = createLog();
  const dropped = vi.fn();
  hub.subscribe("telemetry.log_lines_dropped", dropped);
  const drop = (reason: "queue_full" | "export_failed", spans: number, error?: Error) =>
    hub.publish("telemetry.spans_dropped", { reason, spans, error });
  drop("queue_full", 7);
  drop("export_failed", 512, new Error("HTTP 401 Unauthorized"));
  drop("export_failed", 500, new Error("HTTP 403 Forbidden"));
  vi.advanceTimersByTime(60_000);
  drop("export_failed", 2, new Error("connect ECONNREFUSED"));
  drop("queue_full", 1);
  drop("queue_full", 3);
  subscription[Symbol.dispose]();
  expect(lines.map(({ reason, spans, cause }) => [reason, spans, cause])).toEqual([
    ["queue_full", 7, undefined],
    ["export_failed", 512, "HTTP 401 Unauthorized"],
    ["export_failed", 502, "connect ECONNREFUSED"],
    ["queue_full", 1, undefined],
    ["queue_full", 3, undefined],
  ]);
  expect(dropped).not.toHaveBeenCalled();
});

it("publishes each line that is left out", () => {
  const { hub, lines } = createLog();
  let dropped = 0;
  hub.subscribe("telemetry.log_lines_dropped", (event) => {
    dropped += event.lines;
  });
  for (let count = 0; count < 10; count++) hub.publish("store.connection_lost", { error: new Error("ECONNRESET") });
  expect([lines.length, dropped]).toEqual([1, 9]);
});
