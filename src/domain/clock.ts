/** Time as the process measures it. Instants that are stored come from the database's clock. */

/** A monotonic clock: it never goes back, also when the machine's time is set. */
export interface Clock {
  nowMs(): number;
}

/** A clock that also calls back. */
export interface Timers extends Clock {
  /** Calls `run` once, after the delay. Returns what cancels the call. */
  schedule(run: () => void, delayMs: number): () => void;
}

export const monotonicClock: Timers = {
  nowMs: () => performance.now(),
  schedule: (run, delayMs) => {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};

/** Whether a promise settles within a time. It is not awaited any longer. */
export async function settlesWithin(work: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>();
  const cancel = monotonicClock.schedule(() => resolve(false), Math.max(0, timeoutMs));
  const settled = work.then(
    () => true,
    () => true,
  );
  return await Promise.race([settled, late]).finally(cancel);
}
