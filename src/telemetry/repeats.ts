/** Limits how often warnings of one kind are logged, so that a flood of events does not flood the log. */
export interface Repeats {
  /** How many warnings of this kind were dropped since the last one. Undefined if this one has to be dropped. */
  next(kind: string, intervalMs?: number): number | undefined;
}

const usualIntervalMs = 1_000;

/** One warning of a kind in each interval. The kinds must be few: each is remembered. */
export function createRepeats(): Repeats {
  const kinds = new Map<string, { lastMs: number; dropped: number }>();
  return {
    next(kind, intervalMs = usualIntervalMs) {
      const nowMs = performance.now();
      const known = kinds.get(kind);
      if (known && nowMs - known.lastMs < intervalMs) {
        known.dropped++;
        return undefined;
      }
      kinds.set(kind, { lastMs: nowMs, dropped: 0 });
      return known?.dropped ?? 0;
    },
  };
}
