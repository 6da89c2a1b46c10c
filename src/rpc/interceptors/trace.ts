import type { Interceptor } from "@connectrpc/connect";
import { originOf, setResponseHeader, setTrace } from "../call-context.ts";
import type { BeginTrace } from "../events.ts";
import { nameOf } from "./errors.ts";

/**
 * Begins the trace of each call. A response names it (W3C Trace Context, level 2) if the call is recorded or the client has sent
 * a trace: all others would pay for a name that leads nowhere.
 */
export function createTraceInterceptor(beginTrace: BeginTrace): Interceptor {
  return (next) => (request) => {
    const { contextValues: values, header } = request;
    const trace = beginTrace({ ...nameOf(request), ...originOf(values), header });
    setTrace(values, trace);
    if (trace.isSampled || header.has("traceparent")) {
      const flags = trace.isSampled ? "01" : "00";
      setResponseHeader(values, "traceresponse", `00-${trace.traceId}-${trace.spanId}-${flags}`);
    }
    return next(request);
  };
}
