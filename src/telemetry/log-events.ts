/** The log's lines about what the service publishes. */
import type { Logger } from "pino";
import { logCalls } from "./call-log.ts";
import type { AppEvents, EventHub } from "./events.ts";
import { logGuards } from "./guard-log.ts";
import { createRepeats } from "./repeats.ts";
import { logTransport } from "./transport-log.ts";

/** The interval between two warnings of one kind. */
const intervalMs = 1_000;

/** Logs events until the result is disposed of. */
export function logEvents(
  hub: Pick<EventHub<AppEvents>, "subscribe">,
  logger: Logger,
  repeats = createRepeats(intervalMs),
): Disposable {
  const stack = new DisposableStack();
  const on: typeof hub.subscribe = (name, listener) => stack.use(hub.subscribe(name, listener));
  logCalls({ subscribe: on }, logger);
  logGuards({ subscribe: on }, logger);
  logTransport({ subscribe: on }, logger);
  /** Logs a warning, with the number of those before it that were dropped. */
  const warn = (kind: keyof AppEvents, fields: object, message: string) => {
    const dropped = repeats.next(kind);
    if (dropped !== undefined) logger.warn({ ...fields, ...(dropped > 0 && { dropped }) }, message);
  };
  on("store.connection_lost", ({ error }) =>
    warn("store.connection_lost", { err: error }, "an idle database connection broke"),
  );
  on("store.prepared_statement_lost", ({ error }) =>
    logger.warn(
      { err: error },
      "a prepared statement was lost, as behind a pooler that keeps none: from now on statements are not prepared; " +
        "set APP_DATABASE_PREPARED_STATEMENTS=false",
    ),
  );
  for (const owner of ["booking", "store"] as const) {
    on(`${owner}.commit_in_doubt`, ({ error, ...fields }) =>
      warn(
        `${owner}.commit_in_doubt`,
        { err: error, ...fields },
        "the response to a COMMIT was lost: checking whether the transaction is stored",
      ),
    );
    on(`${owner}.commit_settled`, (event) => {
      if (event.outcome === "unknown") {
        const message = "a transaction whose COMMIT was in doubt may be stored: the database did not say so in time";
        warn(`${owner}.commit_settled`, event, message);
      } else logger.info(event, "a COMMIT in doubt is settled");
    });
  }
  return stack;
}
