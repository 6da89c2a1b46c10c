/** The server span of each call. */
import { ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, TraceFlags, type Tracer, trace } from "@opentelemetry/api";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import {
  ATTR_ERROR_TYPE,
  ATTR_NETWORK_PROTOCOL_NAME,
  ATTR_NETWORK_PROTOCOL_VERSION,
  ATTR_RPC_METHOD,
  ATTR_RPC_STATUS_CODE,
  ATTR_RPC_SYSTEM_NAME,
} from "@opentelemetry/semantic-conventions";
import type { CallTrace } from "../../domain/call-trace.ts";
import type { Protocol } from "../../rpc/call-context.ts";
import type { BeginTrace, FinishedCall } from "../../rpc/events.ts";
import type { AppEvents, EventHub } from "../events.ts";
import { failureCodes } from "../failed-calls.ts";
import { epochMs } from "./epoch.ts";

/** A call's trace with its span. */
export class CallSpan implements CallTrace {
  readonly span: Span;
  readonly traceId: string;
  readonly spanId: string;
  readonly isSampled: boolean;

  constructor(span: Span) {
    const { traceId, spanId, traceFlags } = span.spanContext();
    this.span = span;
    this.traceId = traceId;
    this.spanId = spanId;
    this.isSampled = (traceFlags & TraceFlags.SAMPLED) !== 0;
  }
}

/** The span of a call; undefined for a trace that other code has made. */
export function spanOf(trace: CallTrace): Span | undefined {
  return trace instanceof CallSpan ? trace.span : undefined;
}

/** gRPC-Web is gRPC in another envelope. */
const systemOf: Readonly<Record<Protocol, string>> = {
  grpc: "grpc",
  "grpc-web": "grpc",
  connect: "connectrpc",
  rest: "rest",
  mcp: "mcp",
};

/** The codes of errors, as the conventions for servers list them. */
const serverFaults: ReadonlySet<string> = new Set([...failureCodes, "Unimplemented"]);

const propagator = new W3CTraceContextPropagator();
/** The longest tracestate that is passed on, as W3C Trace Context requires of everyone: each span keeps it. */
const maxStateLength = 512;
const headerGetter = {
  get(headers: Headers, name: string) {
    const value = headers.get(name) ?? undefined;
    return name === "tracestate" && value !== undefined && value.length > maxStateLength ? undefined : value;
  },
  keys: (headers: Headers) => [...headers.keys()],
};

/** Ends the spans of calls. Returns what begins them, for calls whose caller has sent a trace and for those that are chosen. */
export function traceCalls(
  tracer: Tracer,
  choosesCall: () => boolean,
  hub: EventHub<AppEvents>,
  stack: AsyncDisposableStack,
): BeginTrace {
  const subscription = hub.subscribe("rpc.call_finished", (call) => {
    if (call.trace instanceof CallSpan && call.trace.isSampled) endSpan(call.trace.span, call);
  });
  stack.use(subscription);
  return ({ service, method, protocol, requestId, httpVersion, header }) => {
    const name = `${service}/${method}`;
    const parent = header.has("traceparent") ? propagator.extract(ROOT_CONTEXT, header, headerGetter) : ROOT_CONTEXT;
    if (trace.getSpanContext(parent) === undefined && !choosesCall()) return undefined;
    const span = tracer.startSpan(name, { kind: SpanKind.SERVER, startTime: epochMs(performance.now()) }, parent);
    // The samplers do not read attributes, and most calls are not sampled.
    if (span.isRecording()) {
      span.setAttributes({
        [ATTR_RPC_SYSTEM_NAME]: systemOf[protocol],
        [ATTR_RPC_METHOD]: name,
        [ATTR_NETWORK_PROTOCOL_NAME]: "http",
        [ATTR_NETWORK_PROTOCOL_VERSION]: httpVersion,
        "frontrow.protocol": protocol,
        "frontrow.request_id": requestId,
      });
    }
    return new CallSpan(span);
  };
}

function endSpan(span: Span, { protocol, code, error, messages }: FinishedCall): void {
  const status = statusName(code, protocol);
  if (status !== undefined) span.setAttribute(ATTR_RPC_STATUS_CODE, status);
  if (messages !== undefined) span.setAttribute("frontrow.messages", messages);
  if (error !== undefined) {
    if (error.failure !== undefined) span.setAttribute("frontrow.reason", error.failure.reason);
    if (serverFaults.has(code)) {
      span.setAttribute(ATTR_ERROR_TYPE, status ?? code);
      span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
    }
  }
  span.end(epochMs(performance.now()));
}

/** `NotFound` as the protocol writes it: `NOT_FOUND`, in Connect `not_found`. Connect has no code for a success. */
function statusName(code: string, protocol: Protocol): string | undefined {
  const words = code.replace(/(?<=[a-z])[A-Z]/g, "_$&");
  if (protocol === "connect") return code === "OK" ? undefined : words.toLowerCase();
  // gRPC has two l in it.
  return code === "Canceled" ? "CANCELLED" : words.toUpperCase();
}
