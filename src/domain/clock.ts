/** Time as the process measures it. Instants that are stored come from the database's clock. */

/** A monotonic clock: it never goes back, also when the machine's time is set. */
export interface Clock {
  nowMs(): number;
}

export const monotonicClock: Clock = { nowMs: () => performance.now() };

/** Whether a promise settles within a time. It is not awaited any longer. */
export async function settlesWithin(work: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(resolve, Math.max(0, timeoutMs), false);
  const settled = work.then(
    () => true,
    () => true,
  );
  return await Promise.race([settled, late]).finally(() => clearTimeout(timer));
}
