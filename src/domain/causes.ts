/** More causes than a failed attempt to connect to a few addresses has. */
const maxCauses = 8;
const maxMessageLength = 300;

/**
 * An error and its causes, outermost first, in one line for the log: the SQLSTATE or system code of each, and its message.
 * Stacks and other fields that drivers add are left out, since they can contain a statement's values.
 */
export function describeCauses(error: unknown): string {
  const causes = [...causesOf(error, new Set())];
  const more = causes.length > maxCauses ? ["..."] : [];
  return [...causes.slice(0, maxCauses).map(describeCause), ...more].join(" <- ");
}

/** Each error once: a chain may lead back to itself. */
function* causesOf(error: unknown, seen: Set<unknown>): Generator<unknown> {
  if (error === undefined || error === null || seen.has(error) || seen.size > maxCauses) return;
  seen.add(error);
  yield error;
  if (error instanceof AggregateError) for (const each of error.errors) yield* causesOf(each, seen);
  if (error instanceof Error) yield* causesOf(error.cause, seen);
}

function describeCause(error: unknown): string {
  if (!(error instanceof Error)) return cut(String(error));
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  const message = cut(error.message);
  if (code === undefined) return message || error.name;
  const label = "severity" in error ? `SQLSTATE ${code}` : code;
  return message === "" || message.startsWith(code) ? message || label : `${label}: ${message}`;
}

function cut(text: string): string {
  const line = text.replace(/\s+/g, " ").replace(/(\/\/[^\s:@/]*:)[^\s@]*@/g, "$1***@");
  return line.length > maxMessageLength ? `${line.slice(0, maxMessageLength)}...` : line;
}
