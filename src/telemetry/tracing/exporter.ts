/** Sends spans to a receiver of OTLP over HTTP, as JSON. */
import { createOtlpHttpExportDelegate, httpAgentFactoryFromOptions } from "@opentelemetry/otlp-exporter-base/node-http";
import { JsonTraceSerializer, TraceExporterMetricsHelper } from "@opentelemetry/otlp-transformer";
import type { SpanExporter } from "@opentelemetry/sdk-trace";
import type { TracingConfig } from "../../config/load.ts";

/** Exports under way. A receiver that is slow must not collect connections. */
const concurrencyLimit = 30;

/**
 * Creates the exporter. `onRejected` is called with the number of spans that the receiver has refused of an export that it has
 * otherwise taken. OTLPTraceExporter tells only OpenTelemetry's own log of that, and reads the environment.
 */
export function createExporter(
  receiver: TracingConfig["receiver"],
  onRejected: (spans: number, message: string) => void,
): SpanExporter {
  const { url, headers, timeoutMs, compression, ...tls } = receiver;
  const serializer: typeof JsonTraceSerializer = {
    serializeRequest: (spans) => JsonTraceSerializer.serializeRequest(spans),
    deserializeResponse(data) {
      const response = JsonTraceSerializer.deserializeResponse(data);
      // Proto3's JSON writes a count of 64 bits as a text.
      const { rejectedSpans, errorMessage = "" } = response.partialSuccess ?? {};
      if (Number(rejectedSpans) > 0) onRejected(Number(rejectedSpans), errorMessage);
      return response;
    },
  };
  const options = {
    ...{ url, concurrencyLimit, compression, timeoutMillis: timeoutMs },
    headers: async () => ({ ...headers, "content-type": "application/json" }),
    agentFactory: httpAgentFactoryFromOptions({ keepAlive: true, ...tls }),
  };
  return createOtlpHttpExportDelegate(options, serializer, "spans", TraceExporterMetricsHelper, undefined);
}
