/** The steps of a shutdown, each with a limit, so that nothing that hangs can keep the process. */
import type { Logger } from "pino";
import type { BookingEngine } from "./booking/engine.ts";
import type { Config } from "./config/load.ts";
import type { OpenDatabase } from "./database.ts";
import { settlesWithin } from "./domain/clock.ts";
import { shuttingDown } from "./rpc/status.ts";
import type { Listener } from "./transport/listener/listen.ts";
import type { Readiness } from "./transport/readiness.ts";

/** How much longer than the grace period work may take whose callers have been answered. */
const lastWorkMs = 3_000;

/** What a shutdown ends, and within which limits. */
export interface Stoppable {
  readonly config: Pick<Config, "shutdownTimeoutMs">;
  readonly database: OpenDatabase;
  readonly engine: Pick<BookingEngine, "idle">;
  readonly guards: { close(): void };
  readonly http: { close(): PromiseLike<unknown> };
  readonly listeners: readonly Listener[];
  readonly logger: Logger;
  readonly readiness: Readiness;
  /** Aborts the calls under way. */
  readonly shutdown: AbortController;
}

/**
 * Stops the service: readiness goes down, calls are served for `delayMs` more, calls in flight finish, then everything closes.
 * Resolves with whether all work had ended and every database connection was closed in order.
 */
export async function stop(service: Stoppable, delayMs: number): Promise<boolean> {
  const { config, database, engine, readiness } = service;
  readiness.announceDrain();
  // A database that has failed leaves nothing to serve.
  if (delayMs > 0) await settlesWithin(database.failed, delayMs);
  readiness.drain();
  const graceEndsAtMs = performance.now() + config.shutdownTimeoutMs;
  await drain(service, config.shutdownTimeoutMs);
  // Batches whose callers have been answered, and lost COMMITs that are being settled.
  const isIdle = await settlesWithin(engine.idle(), Math.max(0, graceEndsAtMs - performance.now()) + lastWorkMs);
  readiness.close();
  await service.http.close();
  service.guards.close();
  return (await database.close()) && isIdle;
}

/** How long the answers to calls that the grace period cuts off may take to reach their clients. */
const answersMs = 2_000;

/**
 * Lets calls in flight finish within the grace period. Aborts those that are left, which answers them with SHUTTING_DOWN, and
 * cuts the connections that are still open when the answers have had their time.
 */
async function drain({ listeners, logger, shutdown }: Stoppable, timeoutMs: number): Promise<void> {
  const closed = Promise.all(listeners.map((listener) => listener.close()));
  if (await settlesWithin(closed, timeoutMs)) return;
  logger.warn({ timeout_ms: timeoutMs }, "calls were still in flight when the shutdown's time was up");
  shutdown.abort(shuttingDown());
  if (!(await settlesWithin(closed, answersMs))) for (const listener of listeners) listener.destroy();
  await closed;
}
