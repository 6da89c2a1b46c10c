/** A limit on the unsent bytes of messages, of all streams together. */

/** A stream, which holds bytes. */
interface Holder {
  /** Cuts the stream's response, so that its bytes are free at once. */
  cut(error: Error): void;
}

export interface UnsentBytes {
  /**
   * Sets the bytes that a stream holds. If all streams together exceed the limit, streams that hold more than this one are
   * cut, the one with the most bytes first. Raises an error if that is not enough.
   */
  hold(holder: Holder, bytes: number): void;
}

/** Creates the limit. `tooMany` creates the error that a stream over the limit ends with. */
export function countUnsent(maxBytes: number, tooMany: () => Error): UnsentBytes {
  const held = new Map<Holder, number>();
  let total = 0;
  const set = (holder: Holder, bytes: number) => {
    total += bytes - (held.get(holder) ?? 0);
    if (bytes === 0) held.delete(holder);
    else held.set(holder, bytes);
  };
  return {
    hold(holder, bytes) {
      const before = held.get(holder) ?? 0;
      while (bytes > before && total - before + bytes > maxBytes) {
        const [largest, most] = largestOf(held);
        if (largest === undefined || largest === holder || most <= bytes) throw tooMany();
        set(largest, 0);
        largest.cut(tooMany());
      }
      set(holder, bytes);
    },
  };
}

function largestOf(held: ReadonlyMap<Holder, number>): [holder: Holder | undefined, bytes: number] {
  let largest: Holder | undefined;
  let most = 0;
  for (const [holder, bytes] of held) if (bytes > most) [largest, most] = [holder, bytes];
  return [largest, most];
}
