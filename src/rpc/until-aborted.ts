import { ConnectError } from "@connectrpc/connect";
import { DomainError } from "../domain/errors.ts";

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
  const aborted = Promise.withResolvers<undefined>();
  let isOpen = true;
  const end = () => {
    if (isOpen) onEnd();
    isOpen = false;
    signal.removeEventListener("abort", abort);
  };
  const abort = () => {
    end();
    aborted.resolve(undefined);
  };
  signal.addEventListener("abort", abort);
  const iterator = items[Symbol.asyncIterator]();
  try {
    while (!signal.aborted) {
      const next = await Promise.race([iterator.next(), aborted.promise]);
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
