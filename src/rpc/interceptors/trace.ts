import type { Interceptor } from "@connectrpc/connect";
import { originOf, setTrace } from "../call-context.ts";
import type { BeginTrace } from "../events.ts";
import { nameOf } from "./errors.ts";

/** Begins the trace of each call. */
export function createTraceInterceptor(beginTrace: BeginTrace): Interceptor {
  return (next) => (request) => {
    const { contextValues: values, header } = request;
    setTrace(values, beginTrace({ ...nameOf(request), ...originOf(values), header }));
    return next(request);
  };
}
