/** The spans of a call's reads and transactions. Those of bookings are in batch-spans.ts. */
import type { Tracer } from "@opentelemetry/api";
import { DomainError } from "../../domain/failure.ts";
import type { AppEvents, EventHub } from "../events.ts";
import { spanOf } from "./call-spans.ts";
import { addSpan, inDatabase } from "./past-span.ts";

/** Makes the spans until the stack is disposed of. */
export function traceStore(tracer: Tracer, hub: EventHub<AppEvents>, stack: AsyncDisposableStack): void {
  const subscription = hub.subscribe("store.traced_work", ({ trace, kind, startedAtMs, error }) => {
    const parent = spanOf(trace);
    if (parent === undefined) return;
    // A refusal of the request, which the code between the statements raises, has no cause.
    const isRefusal = error instanceof DomainError && error.cause === undefined;
    const past = { ...inDatabase, fromMs: startedAtMs, toMs: performance.now(), error: isRefusal ? undefined : error };
    addSpan(tracer, `database ${kind}`, parent, past);
  });
  stack.use(subscription);
}
