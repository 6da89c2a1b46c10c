import type { Logger } from "pino";

/** How many lines of a kind are logged in an interval, which begins with the first of them. */
export interface LineLimit {
  /** 1 if it is not given. */
  readonly lines?: number;
  /** A second if it is not given. */
  readonly perMs?: number;
}

/**
 * Logs a line, unless the limit of its kind is reached. The next line of the kind has the number of those left out, `dropped`.
 * The kinds must be few, because each is remembered. `fieldsOf` is called for lines that are logged only.
 */
export type LogLine = (
  level: "debug" | "warn" | "error",
  kind: string,
  fieldsOf: () => object,
  message: string,
  limit?: LineLimit,
) => void;

const usualIntervalMs = 1_000;

/** Creates the function that keeps a flood of events from flooding the log. `onDropped` is called for each line left out. */
export function limitLines(logger: Logger, onDropped: () => void = () => {}): LogLine {
  const kinds = new Map<string, { sinceMs: number; logged: number; dropped: number }>();
  return (level, kind, fieldsOf, message, { lines = 1, perMs = usualIntervalMs } = {}) => {
    // What the level leaves out is not missing.
    if (!logger.isLevelEnabled(level)) return;
    const key = `${level} ${kind}`;
    const nowMs = performance.now();
    const known = kinds.get(key);
    const isNew = known === undefined || nowMs - known.sinceMs >= perMs;
    if (!isNew && known.logged >= lines) {
      known.dropped++;
      onDropped();
      return;
    }
    const dropped = (isNew && known?.dropped) || undefined;
    if (isNew) kinds.set(key, { sinceMs: nowMs, logged: 1, dropped: 0 });
    else known.logged++;
    logger[level]({ ...fieldsOf(), dropped }, message);
  };
}
