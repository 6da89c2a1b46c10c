/** Between two readings the clock of the machine may drift from the monotonic one by this much. */
const toleranceMs = 50;

let originMs = performance.timeOrigin;

/**
 * An instant of the monotonic clock as milliseconds since 1970. The difference of the clocks is read anew only after the
 * machine's clock was set, so that the spans of a trace have the order of their instants.
 */
export function epochMs(monotonicMs: number): number {
  const nowOriginMs = Date.now() - performance.now();
  if (Math.abs(nowOriginMs - originMs) > toleranceMs) originMs = nowOriginMs;
  return originMs + monotonicMs;
}
