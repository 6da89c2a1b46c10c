import { ROOT_CONTEXT, SpanKind, TraceFlags, trace } from "@opentelemetry/api";
import { SamplingDecision } from "@opentelemetry/sdk-trace";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type CallSampling, createSampling } from "./sampler.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** The ratio takes this one whatever it is, unless it is nearly 0. */
const craftedId = "00000000000000000000000000000001";

type Config = Parameters<typeof createSampling>[0];

/** How many of ten calls with a caller's trace, or without one, are recorded. */
function recordedOf({ sampler, choosesCall }: CallSampling, traceFlags?: TraceFlags): number {
  const isRecorded = () => {
    if (traceFlags === undefined) return choosesCall();
    const parent = { traceId: craftedId, spanId: "b7ad6b7169203331", traceFlags, isRemote: true };
    const context = trace.setSpanContext(ROOT_CONTEXT, parent);
    const { decision } = sampler.shouldSample(context, craftedId, "a call", SpanKind.SERVER, {}, []);
    return decision === SamplingDecision.RECORD_AND_SAMPLED;
  };
  return Array.from({ length: 10 }, isRecorded).filter((each) => each).length;
}

const of = (sampler: Config["sampler"], ratio: number, maxCallerTraces: number) =>
  createSampling({ sampler, ratio, maxCallerTraces });

test.each(["traceidratio", "parentbased_traceidratio"] as const)(
  "by %s a caller gets its limit a second, whatever its trace id and its flag are",
  (name) => {
    vi.spyOn(Math, "random").mockReturnValue(0.5);
    const sampler = of(name, 0.01, 3);
    expect(recordedOf(sampler, TraceFlags.SAMPLED)).toBe(3);
    expect(recordedOf(sampler, TraceFlags.SAMPLED)).toBe(0);
    vi.advanceTimersByTime(1_000);
    expect(recordedOf(sampler, TraceFlags.SAMPLED)).toBe(3);
  },
);

test("beyond the limit a call is recorded as if it had no caller's trace", () => {
  vi.spyOn(Math, "random").mockReturnValueOnce(0.009).mockReturnValue(0.5);
  expect(recordedOf(of("parentbased_traceidratio", 0.01, 0), TraceFlags.SAMPLED)).toBe(1);
});

test.each([
  ["always_on", 10, 10, 10],
  ["always_off", 0, 0, 0],
  ["parentbased_always_on", 10, 10, 0],
  ["parentbased_always_off", 0, 2, 0],
] as const)("%s without a caller's trace, with a sampled one and with another: %d, %d, %d", (name, ...expected) => {
  const sampler = of(name, 1, 2);
  const flags = [undefined, TraceFlags.SAMPLED, TraceFlags.NONE];
  expect(flags.map((each) => recordedOf(sampler, each))).toEqual(expected);
});
