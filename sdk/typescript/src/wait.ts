/** A longer timer ends at once. */
export const longestTimerMs = 2 ** 31 - 1;

/** A wait has taken too long. */
export class TimedOut extends Error {}

/** Waits. Rejects with the signal's reason if it is aborted before. */
export function delay(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(
      () => {
        signal?.removeEventListener("abort", abort);
        resolve();
      },
      // Node.js rounds down, and a wait must not be shorter than what the service asked for.
      Math.min(Math.ceil(ms), longestTimerMs),
    );
    signal?.addEventListener("abort", abort, { once: true });
  });
}

/** The value of a promise. Rejects with `TimedOut` if it takes longer, and with the signal's reason if it is aborted. */
export async function within<Value>(
  ms: number,
  promise: Promise<Value>,
  signal: AbortSignal | undefined,
  subject: string,
): Promise<Value> {
  const end = new AbortController();
  const stop = signal ? AbortSignal.any([signal, end.signal]) : end.signal;
  const late = delay(ms, stop).then(() => {
    throw new TimedOut(`${subject} did not end within ${Math.ceil(ms)} ms`);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    late.catch(() => {});
    end.abort();
  }
}
