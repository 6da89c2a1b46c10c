import { setTimeout as delay } from "node:timers/promises";

/**
 * Runs work at once and then again and again, each time `intervalMs` after the last run has ended. A disposal aborts the signal and waits for
 * the run under way. Errors go to `onError`, and end nothing.
 */
export function repeat(
  work: (signal: AbortSignal) => Promise<void>,
  intervalMs: number,
  onError: (error: unknown) => void,
): AsyncDisposable {
  const stopping = new AbortController();
  const { signal } = stopping;
  const ended = (async () => {
    while (!signal.aborted) {
      await work(signal).catch((error) => {
        if (!signal.aborted) onError(error);
      });
      await delay(intervalMs, undefined, { signal }).catch(() => {});
    }
  })();
  return {
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await ended;
    },
  };
}
