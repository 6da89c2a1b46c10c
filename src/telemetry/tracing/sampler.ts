/** Which calls are recorded: by OpenTelemetry's samplers, and a bound on what callers can ask for. */
import { trace } from "@opentelemetry/api";
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  type Sampler,
  SamplingDecision,
  TraceIdRatioBasedSampler,
} from "@opentelemetry/sdk-trace";
import type { TracingConfig } from "../../config/load.ts";

type SamplingConfig = Pick<TracingConfig, "sampler" | "ratio" | "maxCallerTraces">;

/**
 * Creates the sampler of spans. Both the sampled flag and the trace id, which the samplers by ratio decide by, are the caller's
 * choice. So at most `maxCallerTraces` calls a second are recorded for what their caller has sent. Further ones are recorded
 * with the probability of a call without a trace.
 */
export function createSampler({ sampler, ratio, maxCallerTraces }: SamplingConfig): Sampler {
  const chosen = samplerOf(sampler, ratio);
  const ownRatio = sampler.endsWith("always_off") ? 0 : ratio;
  const tryTake = countSeconds(maxCallerTraces);
  return {
    shouldSample(context, ...rest) {
      const result = chosen.shouldSample(context, ...rest);
      const isRecorded = result.decision === SamplingDecision.RECORD_AND_SAMPLED;
      if (!isRecorded || !trace.getSpanContext(context)?.isRemote) return result;
      return Math.random() < ownRatio || tryTake() ? result : { decision: SamplingDecision.NOT_RECORD };
    },
    toString: () => sampler,
  };
}

function samplerOf(sampler: TracingConfig["sampler"], ratio: number): Sampler {
  const [isParentBased, name] = /^(parentbased_)?(.*)$/.exec(sampler)?.slice(1) ?? [];
  const root =
    name === "traceidratio"
      ? new TraceIdRatioBasedSampler(ratio)
      : name === "always_off"
        ? new AlwaysOffSampler()
        : new AlwaysOnSampler();
  return isParentBased ? new ParentBasedSampler({ root }) : root;
}

/** Returns a function that is true at most `limit` times a second. */
function countSeconds(limit: number): () => boolean {
  let sinceMs = Number.NEGATIVE_INFINITY;
  let taken = 0;
  return () => {
    const nowMs = performance.now();
    if (nowMs - sinceMs >= 1_000) {
      sinceMs = nowMs;
      taken = 0;
    }
    return taken++ < limit;
  };
}
