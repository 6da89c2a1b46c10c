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

export interface CallSampling {
  /** Whether a call is recorded whose caller has sent no trace. It costs such a call no span, and no id, to be left out. */
  choosesCall(): boolean;
  /** For all spans that are begun. */
  readonly sampler: Sampler;
}

const recorded = { decision: SamplingDecision.RECORD_AND_SAMPLED };
const notRecorded = { decision: SamplingDecision.NOT_RECORD };

/**
 * Creates the sampling. Both the sampled flag and the trace id, which the samplers by ratio decide by, are the caller's choice.
 * So at most `maxCallerTraces` calls a second are recorded for what their caller has sent. Further ones are recorded with the
 * probability of a call without a trace.
 */
export function createSampling({ sampler, ratio, maxCallerTraces }: SamplingConfig): CallSampling {
  const ofCallers = samplerOf(sampler, ratio);
  const ownRatio = sampler.endsWith("always_off") ? 0 : ratio;
  const choosesCall = () => Math.random() < ownRatio;
  const tryTake = countSeconds(maxCallerTraces);
  return {
    choosesCall,
    sampler: {
      shouldSample(context, ...rest) {
        const parent = trace.getSpanContext(context);
        // A call that has been chosen, and the spans below it.
        if (!parent?.isRemote) return recorded;
        const result = ofCallers.shouldSample(context, ...rest);
        if (result.decision !== SamplingDecision.RECORD_AND_SAMPLED) return result;
        return choosesCall() || tryTake() ? result : notRecorded;
      },
      toString: () => sampler,
    },
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
