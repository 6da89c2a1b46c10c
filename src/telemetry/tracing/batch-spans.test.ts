import { SpanStatusCode } from "@opentelemetry/api";
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { expect, test } from "vitest";
import { concertIdOf } from "../../domain/ids.ts";
import { type AppEvents, createEventHub } from "../events.ts";
import { traceBatches } from "./batch-spans.ts";
import { CallSpan } from "./call-spans.ts";

const concertId = concertIdOf(7n);

/** A hub whose batches are traced, and calls to be traced with them. */
function createStage() {
  const exporter = new InMemorySpanExporter();
  const tracer = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }).getTracer("test");
  const hub = createEventHub<AppEvents>((error) => expect.unreachable(String(error)));
  traceBatches(tracer, hub, new AsyncDisposableStack());
  const calls = (count: number) => Array.from({ length: count }, () => new CallSpan(tracer.startSpan("call")));
  const spans = (name: string): ReadableSpan[] => exporter.getFinishedSpans().filter((span) => span.name === name);
  return { hub, calls, spans };
}

const decided = {
  ...{ concertId, booked: 0, held: 0, confirmed: 0, released: 0, expired: 0, cancelled: 0, refused: 0 },
  ...{ lockWaitMs: 0, lockHeldMs: 0, commitMs: undefined },
};

test("a batch of 512 calls has links to 64 of them", () => {
  const { hub, calls, spans } = createStage();
  const batchTrace = { traces: calls(512), askedAtMs: performance.now() };
  hub.publish("booking.batch_decided", { ...decided, requests: 512, batchTrace });
  expect(spans("booking batch")).toMatchObject([
    { links: { length: 64 }, attributes: { "frontrow.batch.requests": 512, "frontrow.batch.traced": 512 } },
  ]);
});

test("a batch that wrote nothing has no span of a commit", () => {
  const { hub, calls, spans } = createStage();
  const nowMs = performance.now();
  const batchTrace = { traces: calls(1), askedAtMs: nowMs, lockedAtMs: nowMs };
  hub.publish("booking.batch_decided", { ...decided, requests: 1, batchTrace });
  expect(["booking batch", "lock and read", "write and commit"].map((name) => spans(name).length)).toEqual([1, 1, 0]);
});

test("an attempt that failed is a span with the error, without a statement's values", () => {
  const { hub, calls, spans } = createStage();
  const error = Object.assign(new Error("deadlock detected"), { code: "40P01", severity: "ERROR", detail: "a value" });
  const batchTrace = { traces: calls(1), askedAtMs: performance.now() };
  const failed = { concertId, requests: 1, error, lockWaitMs: 0, batchTrace };
  hub.publish("booking.batch_retried", { ...failed, attempt: 1 });
  hub.publish("booking.batch_halved", failed);
  hub.publish("booking.batch_failed", failed);
  hub.publish("booking.commit_in_doubt", failed);
  const status = { code: SpanStatusCode.ERROR, message: "SQLSTATE 40P01: deadlock detected" };
  expect(spans("booking batch").map((span) => span.status)).toEqual([status, status, status, status]);
});

test("without traced calls there are no spans", () => {
  const { hub, spans } = createStage();
  hub.publish("booking.batch_decided", { ...decided, requests: 1, batchTrace: undefined });
  const counts = { requests: 1, queued: 0, takenAtMs: 0, jobs: [] };
  hub.publish("booking.turn_started", { concertId, ...counts, traced: undefined });
  expect([...spans("booking batch"), ...spans("queue wait")]).toEqual([]);
});

test("the trace of other code than the tracing's is ignored", () => {
  const { hub, spans } = createStage();
  const batchTrace = { traces: [{ traceId: "1", spanId: "2", isSampled: true }], askedAtMs: performance.now() };
  hub.publish("booking.batch_decided", { ...decided, requests: 1, batchTrace });
  expect(spans("booking batch")).toEqual([]);
});
