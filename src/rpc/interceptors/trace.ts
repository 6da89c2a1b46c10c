import type { Interceptor } from "@connectrpc/connect";
import { originOf, setResponseHeader, setTrace } from "../call-context.ts";
import type { BeginTrace } from "../events.ts";
import { nameOf } from "./errors.ts";

/** Begins the trace of a call that has one, and names it in the response (W3C Trace Context, level 2). */
export function createTraceInterceptor(beginTrace: BeginTrace): Interceptor {
  return (next) => (request) => {
    const { contextValues: values, header } = request;
    const trace = beginTrace({ ...nameOf(request), ...originOf(values), header });
    if (trace) {
      const { traceId, spanId, isSampled } = trace;
      setTrace(values, trace);
      setResponseHeader(values, "traceresponse", `00-${traceId}-${spanId}-${isSampled ? "01" : "00"}`);
    }
    return next(request);
  };
}
