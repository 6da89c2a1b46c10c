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
 * If there is none in time, a separate line has it. The kinds must be few, because each is remembered. `fieldsOf` is called
 * for lines that are logged only.
 */
export type LogLine = (
  level: "debug" | "warn" | "error",
  kind: string,
  fieldsOf: () => object,
  message: string,
  limit?: LineLimit,
) => void;

/** The log with its limits. Its disposal logs how many lines were left out since the last ones of their kinds. */
export interface LimitedLog extends Disposable {
  readonly log: LogLine;
}

interface Kind {
  readonly level: "debug" | "warn" | "error";
  readonly name: string;
  readonly sinceMs: number;
  readonly perMs: number;
  logged: number;
  dropped: number;
}

const usualIntervalMs = 1_000;

/** Creates the log that a flood of events cannot flood. `onDropped` is called for each line left out. */
export function limitLines(logger: Logger, onDropped: () => void = () => {}): LimitedLog {
  const kinds = new Map<string, Kind>();
  let timer: NodeJS.Timeout | undefined;
  const log: LogLine = (level, name, fieldsOf, message, { lines = 1, perMs = usualIntervalMs } = {}) => {
    // What the level leaves out is not missing.
    if (!logger.isLevelEnabled(level)) return;
    const key = `${level} ${name}`;
    const nowMs = performance.now();
    const known = kinds.get(key);
    const isNew = known === undefined || nowMs - known.sinceMs >= perMs;
    if (!isNew && known.logged >= lines) {
      known.dropped++;
      timer ??= setTimeout(sayDropped, usualIntervalMs).unref();
      onDropped();
      return;
    }
    const dropped = (isNew && known?.dropped) || undefined;
    if (isNew) kinds.set(key, { level, name, sinceMs: nowMs, perMs, logged: 1, dropped: 0 });
    else known.logged++;
    logger[level]({ ...fieldsOf(), dropped }, message);
  };

  /** Logs what no next line has said of kinds whose interval is over, or of all. */
  function sayDropped(ofAll = false): void {
    timer = undefined;
    const nowMs = performance.now();
    let isAnyLeft = false;
    for (const [key, { level, name, sinceMs, perMs, dropped }] of kinds) {
      if (dropped === 0) continue;
      if (!ofAll && nowMs - sinceMs < perMs) {
        isAnyLeft = true;
        continue;
      }
      kinds.delete(key);
      logger[level]({ kind: name, dropped }, "more lines of a kind were left out");
    }
    if (isAnyLeft) timer = setTimeout(sayDropped, usualIntervalMs).unref();
  }

  return {
    log,
    [Symbol.dispose]() {
      clearTimeout(timer);
      sayDropped(true);
    },
  };
}
