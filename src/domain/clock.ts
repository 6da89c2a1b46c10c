import { setTimeout as delay } from "node:timers/promises";

/** Whether a promise settles within a time. It is not awaited any longer. */
export async function settlesWithin(work: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  const timer = new AbortController();
  const settled = work.then(
    () => true,
    () => true,
  );
  const late = delay(Math.max(0, timeoutMs), false, { signal: timer.signal }).catch(() => false);
  return await Promise.race([settled, late]).finally(() => timer.abort());
}
