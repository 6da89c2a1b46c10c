/** How much longer than APP_SHUTDOWN_DELAY and APP_SHUTDOWN_TIMEOUT closing may take, each limit beyond the one before. */
import type { Config } from "./config/load.ts";

/**
 * For what serves. Its steps have limits of nine seconds: answers to aborted calls (2 s), transactions (3 s), connections to
 * the database (3 s), traces (1 s).
 */
export const serviceCloseMs = 10_000;
/** A worker that has not ended by itself after its own limit is killed. */
export const workerKillMs = serviceCloseMs + 1_000;
/** The last message of a worker that was killed takes a second. */
const workersCloseMs = workerKillMs + 4_000;
/** An embedded PostgreSQL stops when nothing serves any more. It must have ended before the process does. */
export const embeddedStopMs = 8_000;

/** For the process that was started, after which it exits in any case. */
export function programCloseMs({ workers, database }: Pick<Config, "workers" | "database">): number {
  return (workers > 1 ? workersCloseMs : serviceCloseMs) + (database.kind === "embedded" ? embeddedStopMs : 0);
}
