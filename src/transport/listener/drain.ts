import { settlesWithin } from "../../domain/clock.ts";
import type { Listener } from "./listen.ts";

/** How long the responses of aborted calls may take to reach their clients. */
const flushMs = 2_000;

/**
 * Closes listeners: accepts no more connections, and lets calls in flight finish within the grace period. Then calls
 * `abortCalls`, which answers the calls that are left, and cuts the connections that are still open after a while.
 */
export async function drain(listeners: readonly Listener[], graceMs: number, abortCalls: () => void): Promise<void> {
  const closed = Promise.all(listeners.map((listener) => listener.close()));
  if (await settlesWithin(closed, graceMs)) return;
  abortCalls();
  if (!(await settlesWithin(closed, flushMs))) for (const listener of listeners) listener.destroy();
  await closed;
}
