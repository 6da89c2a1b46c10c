/** From ended spans to the receiver: a bounded queue, and an exporter whose failures are published. */
import { ExportResultCode } from "@opentelemetry/core";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { BatchSpanProcessor, type ReadableSpan, type SpanExporter, type SpanProcessor } from "@opentelemetry/sdk-trace";
import type { TracingConfig } from "../../config/load.ts";
import type { Publish } from "../../domain/publish.ts";
import type { TelemetryEvents } from "../events.ts";

/**
 * Creates the processor of spans. It never waits for the receiver: spans that the queue has no place for, or that the receiver
 * does not take after the exporter's retries, are dropped and published.
 */
export function createSpanQueue({ url, queue }: TracingConfig, publish: Publish<TelemetryEvents>): SpanProcessor {
  const otlp = new OTLPTraceExporter({ url });
  let waiting = 0;
  const exporter: SpanExporter = {
    export(spans, done) {
      waiting -= spans.length;
      otlp.export(spans, (result) => {
        if (result.code !== ExportResultCode.SUCCESS) {
          publish("telemetry.spans_dropped", { spans: spans.length, reason: "export_failed", error: result.error });
        }
        done(result);
      });
    },
    forceFlush: () => otlp.forceFlush(),
    shutdown: () => otlp.shutdown(),
  };
  const batches = new BatchSpanProcessor({ exporter, ...queue });
  return {
    onStart() {},
    onEnd(span: ReadableSpan) {
      // The processor counts only for its own log what it drops.
      if (waiting >= queue.maxQueueSize) {
        publish("telemetry.spans_dropped", { spans: 1, reason: "queue_full", error: undefined });
        return;
      }
      waiting++;
      batches.onEnd(span);
    },
    forceFlush: () => batches.forceFlush(),
    shutdown: () => batches.shutdown(),
  };
}
