/** Turns a JSON log line into one for a person: `15:55:33 INFO  message key=value`, with an error's stack below it. */
export function prettyLine(json: string, timeZone: string = Temporal.Now.timeZoneId()): string {
  try {
    return format(JSON.parse(json) as Record<string, unknown>, timeZone);
  } catch {
    // Logging must not throw, whatever a caller logs as `time`.
    return json;
  }
}

function format({ time, level, msg, err, ...fields }: Record<string, unknown>, timeZone: string): string {
  const clock = Temporal.Instant.from(String(time))
    .toZonedDateTimeISO(timeZone)
    .toPlainTime()
    .toString({ smallestUnit: "second" });
  const words = [
    `${clock} ${String(level).toUpperCase().padEnd(5)}`,
    ...(msg === undefined ? [] : [escapeControls(String(msg))]),
    ...Object.entries(fields).map(([key, value]) => `${escapeControls(key)}=${prettyValue(value)}`),
  ];
  return `${words.join(" ")}\n${err === undefined ? "" : prettyError(err)}`;
}

function prettyValue(value: unknown): string {
  return typeof value === "string" && /^[^\s"=\p{Cc}]+$/u.test(value) ? value : escapeControls(JSON.stringify(value));
}

function prettyError(error: unknown): string {
  if (typeof error !== "object" || error === null) return `    ${prettyValue(error)}\n`;
  const { type: _type, message, stack, ...details } = error as Record<string, unknown>;
  const lines = String(stack ?? message).split("\n");
  if (Object.keys(details).length > 0) lines.push(prettyValue(details));
  return lines.map((line) => `    ${escapeControls(line)}\n`).join("");
}

/** What users send can end up in the log, and must not steer the terminal or forge a line. */
function escapeControls(text: string): string {
  return text.replace(/\p{Cc}/gu, (control) => {
    return control === "\n" ? "\\n" : `\\u${control.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
