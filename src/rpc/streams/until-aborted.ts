import { ConnectError } from "@connectrpc/connect";
import { DomainError } from "../../domain/failure.ts";

/**
 * Yields the items until the signal aborts, even while an item is awaited. Then raises the signal's reason if that is an error
 * for clients, and otherwise ends without an error. `onEnd` is called once: at the end of the items, or when the signal aborts.
 * The consumer may not notice an abort while it waits for a client that does not read.
 */
export async function* untilAborted<T>(
  items: AsyncIterable<T>,
  signal: AbortSignal,
  onEnd: () => void = () => {},
): AsyncGenerator<T> {
  let isOpen = true;
  /** Stops the wait for the next item. */
  let stopWaiting = () => {};
  const end = () => {
    if (isOpen) onEnd();
    isOpen = false;
    signal.removeEventListener("abort", abort);
  };
  const abort = () => {
    end();
    stopWaiting();
  };
  signal.addEventListener("abort", abort);
  const iterator = items[Symbol.asyncIterator]();
  try {
    while (!signal.aborted) {
      // Not Promise.race with one promise for all items: that promise would keep a reaction for each.
      const next = await new Promise<IteratorResult<T> | undefined>((resolve, reject) => {
        stopWaiting = () => resolve(undefined);
        iterator.next().then(resolve, reject);
      });
      if (next === undefined) break;
      if (next.done) return;
      yield next.value;
    }
    if (isForClient(signal.reason)) throw signal.reason;
  } finally {
    end();
    // Not awaited: it would wait for the item that has not arrived.
    iterator.return?.().catch(() => {});
  }
}

function isForClient(reason: unknown): boolean {
  return reason instanceof ConnectError || reason instanceof DomainError;
}
