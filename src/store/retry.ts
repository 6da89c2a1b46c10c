import { setTimeout as delay } from "node:timers/promises";
import type { Deadline } from "../domain/deadline.ts";
import { asFailure, isTransient } from "./sqlstate.ts";

const firstDelayMs = 20;
const longestDelayMs = 1_000;

/** How long to wait before a repeat, the first one being 0. Full jitter: those who collided once must not meet again. */
export function backOffMs(retry: number): number {
  return Math.random() * Math.min(longestDelayMs, firstDelayMs * 2 ** retry);
}

/**
 * Runs `attempt`, again up to `maxRetries` times while it fails for a transient reason with nothing stored. Gives up when
 * nobody waits any more. Raises a `DomainError` for what the database could not do.
 */
export async function retryTransient<Result>(
  attempt: () => Promise<Result>,
  maxRetries: number,
  deadline: Deadline,
): Promise<Result> {
  for (let retry = 0; ; retry++) {
    try {
      return await attempt();
    } catch (error) {
      if (!isTransient(error) || retry >= maxRetries || deadline.signal.aborted) throw asFailure(error);
      // Nothing is stored: a deadline that passes before the next attempt begins says so.
      deadline.begun = false;
      await delay(backOffMs(retry), undefined, { signal: deadline.signal }).catch(() => {});
      if (deadline.signal.aborted) throw asFailure(error);
    }
  }
}
