/** When a worker that has ended is replaced, and when replacing it is given up. */

/** A worker that has served for so long has not failed at its start. */
const stableMs = 10_000;
const firstDelayMs = 100;
const longestDelayMs = 5_000;
/** Workers in a row that end before they are stable. */
const mostFailures = 5;

export interface Restarts {
  /** The delay before the next start, or undefined to give up. `servedMs` is how long the worker that has ended served. */
  delayAfter(servedMs: number): number | undefined;
}

/** Counts failures of all workers together: a cause that ends one at its start is in the machine or the code. */
export function createRestarts(): Restarts {
  let failures = 0;
  return {
    delayAfter(servedMs) {
      if (servedMs >= stableMs) failures = 0;
      failures++;
      if (failures > mostFailures) return undefined;
      return Math.min(firstDelayMs * 2 ** (failures - 1), longestDelayMs);
    },
  };
}
