import { ConnectError } from "@connectrpc/connect";
import { DomainError } from "../../domain/failure.ts";

/**
 * Yields the items until the signal aborts, even while an item is awaited. Then raises the signal's reason if it is an error
 * for the caller, and otherwise ends without an error. `onEnd` is called once: at the end of the items, or when the signal
 * aborts, which the consumer may not notice because it waits for a client that does not read.
 */
export async function* untilAborted<T>(
  items: AsyncIterable<T>,
  signal: AbortSignal,
  onEnd: () => void = () => {},
): AsyncGenerator<T> {
  let isOpen = true;
  /** Ends the wait for the next item. */
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
      // Not Promise.race with one promise for all rounds: that promise would keep a reaction of each.
      const next = await new Promise<IteratorResult<T> | undefined>((resolve, reject) => {
        stopWaiting = () => resolve(undefined);
        iterator.next().then(resolve, reject);
      });
      if (next === undefined) break;
      if (next.done) return;
      yield next.value;
    }
    if (isForCaller(signal.reason)) throw signal.reason;
  } finally {
    end();
    // Not awaited: it would wait for the item that has not arrived.
    iterator.return?.().catch(() => {});
  }
}

function isForCaller(reason: unknown): boolean {
  return reason instanceof ConnectError || reason instanceof DomainError;
}
