import { randomUUID } from "node:crypto";
import { defaultResource, resourceFromAttributes } from "@opentelemetry/resources";
import { TracerProvider } from "@opentelemetry/sdk-trace";
import type { TracingConfig } from "../../config/load.ts";
import { settlesWithin } from "../../domain/clock.ts";
import type { BeginTrace } from "../../rpc/events.ts";
import type { AppEvents, EventHub } from "../events.ts";
import { traceBatches } from "./batch-spans.ts";
import { traceCalls } from "./call-spans.ts";
import { createSampling } from "./sampler.ts";
import { createSpanQueue } from "./span-queue.ts";
import { traceStore } from "./store-spans.ts";

/** How long the last export may take. A receiver that is gone must not hold up the stop of the service. */
const flushMs = 1_000;

/** Traces calls and batches. Nothing is registered globally: no context follows asynchronous code, which costs. */
export function startTracing(config: TracingConfig, hub: EventHub<AppEvents>, stack: AsyncDisposableStack): BeginTrace {
  const queue = stack.use(createSpanQueue(config, hub.publish));
  const { choosesCall, sampler } = createSampling(config);
  const provider = new TracerProvider({
    resource: defaultResource().merge(
      resourceFromAttributes({ "service.instance.id": randomUUID(), ...config.resource }),
    ),
    sampler,
    spanProcessors: [queue],
  });
  stack.defer(async () => void (await settlesWithin(provider.shutdown(), flushMs)));
  const tracer = provider.getTracer("frontrow");
  traceBatches(tracer, hub, stack);
  traceStore(tracer, hub, stack);
  return traceCalls(tracer, choosesCall, hub, stack);
}
