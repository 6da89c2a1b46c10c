/** The steps of a shutdown, each with a limit, so that nothing that hangs can keep the process. */
import type { Logger } from "pino";
import { settlesWithin } from "./domain/settles-within.ts";
import { shuttingDown } from "./rpc/errors.ts";
import type { Listener } from "./server/listen.ts";

/** How long the answers to calls that the grace period cuts off may take to reach their clients. */
const answersMs = 2_000;

/**
 * Lets calls in flight finish within the grace period. Aborts those that are left, which answers them with SHUTTING_DOWN, and
 * cuts the connections that are still open when the answers have had their time.
 */
export async function drain(
  listeners: readonly Listener[],
  timeoutMs: number,
  logger: Logger,
  shutdown: AbortController,
): Promise<void> {
  const closed = Promise.all(listeners.map((listener) => listener.close()));
  if (await settlesWithin(closed, timeoutMs)) return;
  logger.warn({ timeout_ms: timeoutMs }, "calls were still in flight when the shutdown's time was up");
  shutdown.abort(shuttingDown());
  if (!(await settlesWithin(closed, answersMs))) for (const listener of listeners) listener.destroy();
  await closed;
}
