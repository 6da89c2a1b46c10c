/** Limits how often lines of one kind are logged, so that a flood of events does not flood the log. */
export interface Repeats {
  /** How many lines of this kind were dropped since the last one. Undefined if this one has to be dropped. */
  next(kind: string, limit?: RepeatLimit): number | undefined;
}

/** How many lines of a kind may follow each other, and how long after the first of them the next ones may. */
export interface RepeatLimit {
  /** 1 if it is not given. */
  readonly lines?: number | undefined;
  /** A second if it is not given. */
  readonly perMs?: number | undefined;
}

const usualIntervalMs = 1_000;

/** Counts the lines of each kind. The kinds must be few: each is remembered. `onDropped` is called for each line left out. */
export function createRepeats(onDropped: () => void = () => {}): Repeats {
  const kinds = new Map<string, { sinceMs: number; logged: number; dropped: number }>();
  return {
    next(kind, { lines = 1, perMs = usualIntervalMs } = {}) {
      const nowMs = performance.now();
      const known = kinds.get(kind);
      if (known === undefined || nowMs - known.sinceMs >= perMs) {
        kinds.set(kind, { sinceMs: nowMs, logged: 1, dropped: 0 });
        return known?.dropped ?? 0;
      }
      if (known.logged < lines) {
        known.logged++;
        return 0;
      }
      known.dropped++;
      onDropped();
      return undefined;
    },
  };
}

/** The field of a line that says how many lines of its kind were left out before it. */
export function countOf(dropped: number): { readonly dropped?: number } {
  return dropped > 0 ? { dropped } : {};
}
