/** How much longer than APP_SHUTDOWN_DELAY and APP_SHUTDOWN_TIMEOUT closing may take, each limit beyond the one before. */

/**
 * For a process that serves. Its steps have limits of nine seconds: answers to aborted calls (2 s), transactions (3 s),
 * connections to the database (3 s), traces (1 s).
 */
export const serviceCloseMs = 10_000;
/** A worker that has not ended by itself after its own limit is killed. */
export const workerKillMs = serviceCloseMs + 1_000;
/** For a process with workers: the last message of one that was killed takes a second, PostgreSQL's stop the rest. */
export const primaryCloseMs = workerKillMs + 4_000;
