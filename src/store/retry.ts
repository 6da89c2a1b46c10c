import { setTimeout as delay } from "node:timers/promises";
import type { Deadline } from "../domain/deadline.ts";
import type { Publish } from "../domain/publish.ts";
import type { StoreEvents } from "./events.ts";
import { asFailure, isTransient } from "./sqlstate.ts";

const firstDelayMs = 20;
const longestDelayMs = 1_000;

/** The delay before a retry, the first one being 0. Full jitter: two transactions that collided must not collide again. */
export function backOffMs(retry: number): number {
  return Math.random() * Math.min(longestDelayMs, firstDelayMs * 2 ** retry);
}

/**
 * Runs `attempt`, and again while it fails for a transient reason with nothing stored. Stops when its caller has stopped
 * waiting. Raises a `DomainError` for what the database could not do.
 */
export async function retryTransient<Result>(
  attempt: () => Promise<Result>,
  { maxRetries, publish }: { readonly maxRetries: number; readonly publish: Publish<StoreEvents> },
  { signal }: Deadline,
): Promise<Result> {
  for (let retry = 0; ; retry++) {
    try {
      return await attempt();
    } catch (error) {
      if (!isTransient(error) || retry >= maxRetries || signal.aborted) throw asFailure(error);
      await delay(backOffMs(retry), undefined, { signal }).catch(() => {});
      if (signal.aborted) throw asFailure(error);
      publish("store.retried", { error, attempt: retry + 1 });
    }
  }
}
