import type { LevelWithSilent, Logger } from "pino";
import { pino, stdSerializers, stdTimeFunctions } from "pino";
import { type PrettyOptions, prettyFactory } from "pino-pretty";

export type { Logger } from "pino";

/** Where lines go: standard output, or an array in a test. */
interface LogDestination {
  write(line: string): void;
}

/** How to log. */
export interface LogOptions {
  readonly level: LevelWithSilent;
  /** Lines for a person instead of JSON. By default when standard output is a terminal and no destination is given. */
  readonly pretty?: boolean;
  readonly destination?: LogDestination;
}

/** Creates the logger of the service. It writes one JSON object a line, or readable lines on a terminal. */
export function createLogger({ level, pretty, destination }: LogOptions): Logger {
  const output = destination ?? standardOutput();
  const isPretty = pretty ?? (destination === undefined && process.stdout.isTTY);
  return pino(
    {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: errorFields },
    },
    isPretty ? prettyOutput(output, destination === undefined) : output,
  );
}

/** An error's fields, without those in which PostgreSQL repeats a row or a statement: they can name a user. */
function errorFields(error: unknown): unknown {
  return error instanceof Error ? withoutValues(stdSerializers.err(error)) : error;
}

/** The serializer has the errors of an AggregateError in the same form. */
function withoutValues(serialized: ReturnType<typeof stdSerializers.err>): object {
  const { detail: _detail, where: _where, internalQuery: _query, aggregateErrors, ...fields } = serialized;
  return { ...fields, ...(aggregateErrors && { aggregateErrors: aggregateErrors.map(withoutValues) }) };
}

/** Lines that wait for space on a full disk. Further ones are dropped. */
const maxWaitingBytes = 1024 * 1024;

function standardOutput(): LogDestination {
  // Synchronous, so that the last lines before an exit are not lost.
  const output = pino.destination({ dest: 1, sync: true, maxLength: maxWaitingBytes });
  // Without a listener a line that cannot be written would throw, and fail the call that it is about.
  output.on("error", () => {});
  return output;
}

function prettyOutput(output: LogDestination, isTerminal: boolean): LogDestination {
  const options: PrettyOptions = {
    translateTime: "SYS:HH:MM:ss",
    singleLine: true,
    errorLikeObjectKeys: ["err"],
    // The other fields are part of the message. pino-pretty would print them as JSON, and `pid` as the logging process's.
    include: "level,time,err",
    messageFormat: ({ level: _, time, err, msg, ...fields }, _key, _label, { colors }) =>
      [msg, ...Object.entries(fields).map((field) => colors.gray(fieldText(field)))].join(" "),
  };
  // On a terminal pino-pretty detects whether it has colours.
  const prettify = prettyFactory(isTerminal ? options : { ...options, colorize: false });
  return {
    write(line) {
      try {
        output.write(prettify(JSON.parse(line, escapeControls)));
      } catch {
        // The log must not fail the code that logs, whatever the fields are.
        output.write(line);
      }
    },
  };
}

function fieldText([key, value]: [string, unknown]): string {
  return `${escapeControls("", key)}=${typeof value === "string" && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value)}`;
}

/**
 * Values from clients are logged, and must not move a terminal's cursor or forge a line. pino-pretty removes some control
 * characters from messages and stacks but keeps line breaks, and writes DEL and U+0080 to U+009F of other values.
 */
function escapeControls(key: string, value: unknown): unknown {
  if (typeof value !== "string") return value;
  return value.replace(/\p{Cc}/gu, (control) => {
    if (control === "\n") return key === "stack" ? control : "\\n";
    return `\\u${control.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
