import type { LevelWithSilent, Logger } from "pino";
import { pino, stdTimeFunctions } from "pino";
import { prettyLine } from "./log-line.ts";

export type { Logger } from "pino";

/** Where lines go: standard output, or an array in a test. */
export interface LogDestination {
  write(line: string): void;
}

/** How to log. */
export interface LogOptions {
  readonly level: LevelWithSilent;
  /** Lines for a person instead of JSON; by default when standard output is a terminal and no destination is given. */
  readonly pretty?: boolean;
  readonly destination?: LogDestination;
}

/** Makes the logger of the service: a JSON object a line, or, on a terminal, a readable line each. */
export function createLogger({ level, pretty, destination }: LogOptions): Logger {
  // Synchronous, so that the last words before an exit are not lost.
  const output = destination ?? pino.destination({ dest: 1, sync: true });
  const isPretty = pretty ?? (destination === undefined && process.stdout.isTTY);
  return pino(
    {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    isPretty ? { write: (line) => output.write(prettyLine(line)) } : output,
  );
}
