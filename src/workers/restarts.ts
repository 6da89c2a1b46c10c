/** When a worker that has ended is replaced, and when replacing it is given up. */

/** A worker that has served for so long has not failed at its start. */
const stableMs = 10_000;
const firstDelayMs = 100;
const longestDelayMs = 5_000;
/** Ends in a row before the worker is stable. */
const mostFailures = 5;

export interface Restarts {
  /**
   * The delay before the next start of a worker, by its number, or undefined to give up. `servedMs` is how long it served.
   */
  delayAfter(worker: number, servedMs: number): number | undefined;
}

/** Counts the failures of each worker: all of them may end at once, and for a reason that is over. */
export function createRestarts(): Restarts {
  const failuresByWorker = new Map<number, number>();
  return {
    delayAfter(worker, servedMs) {
      const failures = servedMs >= stableMs ? 0 : (failuresByWorker.get(worker) ?? 0) + 1;
      failuresByWorker.set(worker, failures);
      if (failures > mostFailures) return undefined;
      return Math.min(firstDelayMs * 2 ** Math.max(0, failures - 1), longestDelayMs);
    },
  };
}
