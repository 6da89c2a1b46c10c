/** How far behind the event loop is: what comes in now waits about as long before it is looked at. */
export interface LagMeter {
  /** In milliseconds; 0 when there is nothing to speak of. */
  lagMs(): number;
  close(): void;
}

const periodMs = 20;
/** Timers are this late on a good day too. */
const noiseMs = 10;

/** Measures how late a timer of its own comes. `close` stops it. */
export function createLagMeter(clockMs: () => number = () => performance.now()): LagMeter {
  let dueAtMs = clockMs() + periodMs;
  let lastLagMs = 0;
  const timer = setInterval(() => {
    const nowMs = clockMs();
    lastLagMs = nowMs - dueAtMs;
    dueAtMs = nowMs + periodMs;
  }, periodMs);
  timer.unref();
  return {
    lagMs() {
      const lagMs = Math.max(lastLagMs, clockMs() - dueAtMs);
      return lagMs > noiseMs ? lagMs : 0;
    },
    close: () => clearInterval(timer),
  };
}
