/**
 * Ends what waits for a client at the end of the shutdown's grace period. One listener on the signal serves all requests:
 * adding one to an event target takes longer the more it has.
 */
export interface ShutdownNotices {
  /** Calls the listener with the signal's reason once it aborts, at once if it has. */
  add(listener: (reason: unknown) => void): void;
  remove(listener: (reason: unknown) => void): void;
}

/** Creates the notices of a signal. */
export function createShutdownNotices(signal: AbortSignal | undefined): ShutdownNotices {
  const listeners = new Set<(reason: unknown) => void>();
  signal?.addEventListener("abort", () => {
    for (const listener of listeners) listener(signal.reason);
    listeners.clear();
  });
  return {
    add(listener) {
      if (signal?.aborted) listener(signal.reason);
      else listeners.add(listener);
    },
    remove: (listener) => void listeners.delete(listener),
  };
}
