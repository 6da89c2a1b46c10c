/** From ended spans to the receiver: a bounded queue, whose losses are published. */
import { ExportResultCode } from "@opentelemetry/core";
import { BatchSpanProcessor, type ReadableSpan, type SpanExporter, type SpanProcessor } from "@opentelemetry/sdk-trace";
import type { TracingConfig } from "../../config/load.ts";
import type { Publish } from "../../domain/publish.ts";
import type { TelemetryEvents } from "../events.ts";
import { createExporter } from "./exporter.ts";

/** The queue. Its disposal, after its shutdown, gives up the spans that it still holds. */
interface SpanQueue extends SpanProcessor, Disposable {}

/**
 * Creates the processor of spans. It never waits for the receiver. Spans that the queue has no place for, or that the receiver
 * does not take after the exporter's retries, are dropped. The queue's size bounds those that are being sent too.
 */
export function createSpanQueue({ receiver, queue }: TracingConfig, publish: Publish<TelemetryEvents>): SpanQueue {
  const dropped = sumDropped(publish);
  const otlp = createExporter(receiver, (spans, message) => {
    dropped.add("export_failed", spans, new Error(`the receiver has rejected spans: ${message}`));
  });
  let held = 0;
  const exporter: SpanExporter = {
    export(spans, done) {
      otlp.export(spans, (result) => {
        held -= spans.length;
        if (result.code !== ExportResultCode.SUCCESS) {
          dropped.add("export_failed", spans.length, withStatus(result.error));
        }
        done(result);
      });
    },
    shutdown: () => otlp.shutdown(),
  };
  const batches = new BatchSpanProcessor({ exporter, ...queue });
  return {
    onStart() {},
    onEnd(span: ReadableSpan) {
      // The processor counts only for its own log what it drops.
      if (held >= queue.maxQueueSize) return dropped.add("queue_full", 1);
      held++;
      batches.onEnd(span);
    },
    forceFlush: () => batches.forceFlush(),
    shutdown: () => batches.shutdown(),
    [Symbol.dispose]() {
      if (held > 0) dropped.add("export_failed", held, new Error("the process has stopped before they were sent"));
      dropped[Symbol.dispose]();
    },
  };
}

/** An error of the exporter has the status of HTTP as its code, and in its message only the status text. */
function withStatus(error: Error | undefined): Error | undefined {
  const isStatus = error !== undefined && "code" in error && typeof error.code === "number";
  return isStatus ? new Error(`HTTP ${error.code} ${error.message}`.trimEnd()) : error;
}

type Reason = TelemetryEvents["telemetry.spans_dropped"]["reason"];

const publishAfterMs = 1_000;

/** Publishes the sum of what is dropped for each reason, with the last error, at most once a second and when it is disposed of. */
function sumDropped(publish: Publish<TelemetryEvents>) {
  const sums = new Map<Reason, { spans: number; error: unknown }>();
  let timer: NodeJS.Timeout | undefined;
  const publishAll = () => {
    clearTimeout(timer);
    timer = undefined;
    for (const [reason, sum] of sums) publish("telemetry.spans_dropped", { reason, ...sum });
    sums.clear();
  };
  return {
    add(reason: Reason, spans: number, error?: unknown) {
      const sum = sums.getOrInsertComputed(reason, () => ({ spans: 0, error: undefined }));
      sum.spans += spans;
      sum.error = error;
      timer ??= setTimeout(publishAll, publishAfterMs).unref();
    },
    [Symbol.dispose]: publishAll,
  };
}
