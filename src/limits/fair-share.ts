import { DomainError, retryDelayMs } from "../domain/failure.ts";

/** Bounds what each caller may have unfinished, so that one with a thousand connections leaves room for one with one. */
export interface FairShare {
  /** Runs the work, or raises RATE_LIMITED if the caller has too much unfinished. */
  hold<Result>(caller: string, work: () => Promise<Result>): Promise<Result>;
}

export function createFairShare(maxUnfinished: number): FairShare {
  const unfinished = new Map<string, number>();

  function letGo(caller: string): void {
    const left = (unfinished.get(caller) ?? 1) - 1;
    if (left > 0) unfinished.set(caller, left);
    else unfinished.delete(caller);
  }

  return {
    async hold(caller, work) {
      const held = unfinished.get(caller) ?? 0;
      if (held >= maxUnfinished) {
        const problem = `at most ${maxUnfinished} bookings and cancels of one caller can be unfinished: wait for an answer`;
        throw new DomainError({ reason: "RATE_LIMITED", problem, retryDelayMs });
      }
      unfinished.set(caller, held + 1);
      try {
        return await work();
      } finally {
        letGo(caller);
      }
    },
  };
}
