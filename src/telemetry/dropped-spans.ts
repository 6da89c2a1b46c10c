import type { Logger } from "pino";
import { describeCauses } from "../domain/causes.ts";
import type { EventHub, TelemetryEvents } from "./events.ts";

type SpansDropped = TelemetryEvents["telemetry.spans_dropped"];

/** Between two warnings for one reason. */
const intervalMs = 60_000;

/** Warns of dropped spans: of each reason at most once a minute, with the sum since the warning before, and when disposed of. */
export function logDroppedSpans(on: EventHub<TelemetryEvents>["subscribe"], logger: Logger): Disposable {
  const sums = new Map<SpansDropped["reason"], { spans: number; error: unknown; warnedAtMs: number }>();
  const warn = (reason: SpansDropped["reason"], spans: number, error: unknown) => {
    const fields = { spans, reason, cause: describeCauses(error) || undefined };
    logger.warn(fields, "traces were dropped: their receiver did not take them");
  };
  on("telemetry.spans_dropped", ({ reason, spans, error }) => {
    const sum = sums.getOrInsertComputed(reason, () => ({ spans: 0, error, warnedAtMs: Number.NEGATIVE_INFINITY }));
    sum.spans += spans;
    sum.error = error;
    const nowMs = performance.now();
    if (nowMs - sum.warnedAtMs < intervalMs) return;
    warn(reason, sum.spans, error);
    sum.spans = 0;
    sum.warnedAtMs = nowMs;
  });
  return {
    [Symbol.dispose]() {
      for (const [reason, { spans, error }] of sums) if (spans > 0) warn(reason, spans, error);
    },
  };
}
