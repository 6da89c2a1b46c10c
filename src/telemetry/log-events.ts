/** The log's lines about what the service publishes. */
import type { Logger } from "pino";
import { describeCauses } from "../domain/causes.ts";
import { linesOfKind, logCalls, type UserIds } from "./call-log.ts";
import type { AppEvents, EventHub } from "./events.ts";
import { countOf, createRepeats, type Repeats } from "./repeats.ts";

type Subscribe = EventHub<AppEvents>["subscribe"];
/** Logs a warning, unless one of its kind was logged a moment ago. The next one has the number of those dropped. */
type Warn = (kind: keyof AppEvents, fields: object, message: string, perMs?: number) => void;

/** Between two warnings that Redis has failed. */
const redisIntervalMs = 30_000;

/** Between two warnings that traces were dropped. */
const tracesIntervalMs = 60_000;

/** Logs events until the result is disposed of. */
export function logEvents(hub: EventHub<AppEvents>, logger: Logger, userIds: UserIds = "hashed"): Disposable {
  const stack = new DisposableStack();
  const on: Subscribe = (name, listener) => stack.use(hub.subscribe(name, listener));
  const repeats = createRepeats(() => hub.publish("telemetry.log_lines_dropped", { lines: 1 }));
  const warn: Warn = (kind, fields, message, perMs) => {
    const dropped = repeats.next(kind, { perMs });
    if (dropped !== undefined) logger.warn({ ...fields, ...countOf(dropped) }, message);
  };
  logCalls(on, logger, repeats, userIds);
  on("telemetry.spans_dropped", ({ reason, error, spans }) => {
    const fields = { spans, reason, cause: describeCauses(error) || undefined };
    warn("telemetry.spans_dropped", fields, "traces were dropped: their receiver did not take them", tracesIntervalMs);
  });
  logGuards(on, logger, warn, repeats);
  logTransport(on, logger, warn, repeats, userIds);
  logStore(on, logger, warn);
  return stack;
}

function logGuards(on: Subscribe, logger: Logger, warn: Warn, repeats: Repeats): void {
  on("auth.keys_unreachable", ({ error }) =>
    warn("auth.keys_unreachable", { err: error }, "the keys to check tokens with cannot be fetched"),
  );
  on("auth.token_rejected", ({ requestId, describe }) => {
    if (!logger.isLevelEnabled("debug")) return;
    const dropped = repeats.next("auth.token_rejected", linesOfKind);
    if (dropped !== undefined)
      logger.debug({ request_id: requestId, ...describe(), ...countOf(dropped) }, "a token was refused");
  });
  on("limits.redis_failed", (err) =>
    warn(
      "limits.redis_failed",
      { err },
      "Redis cannot be reached: each instance counts its callers alone",
      redisIntervalMs,
    ),
  );
}

function logTransport(on: Subscribe, logger: Logger, warn: Warn, repeats: Repeats, userIds: UserIds): void {
  on("transport.connections_refused", (refused) => {
    logger.warn(refused, "connections were refused: there are too many");
  });
  on("transport.accept_failed", ({ error }) =>
    warn("transport.accept_failed", { err: error }, "a connection could not be accepted"),
  );
  on("transport.readiness_changed", ({ state, reason, cause }) => {
    if (reason === undefined) logger.info({ state }, state === "draining" ? "not ready: about to stop" : state);
    else logger.warn({ state, cause: describeCauses(cause) || undefined }, `not ready: ${reason}`);
  });
  const log = (level: "debug" | "warn" | "error", kind: keyof AppEvents, fields: object, message: string) => {
    const dropped = repeats.next(kind, linesOfKind);
    if (dropped !== undefined) logger[level]({ ...fields, ...countOf(dropped) }, message);
  };
  on("transport.request_failed", ({ requestId, error, method, path }) => {
    // A path may name a user.
    const fields = { request_id: requestId, err: error, method, ...(userIds === "full" && { path }) };
    log("error", "transport.request_failed", fields, "a request failed for an unforeseen reason");
  });
  on("transport.call_failed", ({ requestId, error, method }) => {
    const fields = { request_id: requestId, err: error, method };
    log("error", "transport.call_failed", fields, "a call failed for an unforeseen reason");
  });
  on("transport.response_failed", ({ requestId, error, method, isClientGone }) => {
    const level = isClientGone ? "debug" : "warn";
    const fields = { request_id: requestId, err: error, method };
    if (logger.isLevelEnabled(level))
      log(level, "transport.response_failed", fields, "a response could not be written");
  });
}

function logStore(on: Subscribe, logger: Logger, warn: Warn): void {
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
  on("booking.sweep_failed", ({ error }) =>
    warn(
      "booking.sweep_failed",
      { err: error },
      "holds that are due could not be expired: the next call for each concert does it",
    ),
  );
  on("booking.retention_failed", ({ error }) =>
    warn("booking.retention_failed", { err: error }, "old rows could not be deleted"),
  );
  // Each is logged: a batch that may be stored is one for an operator to look at.
  for (const owner of ["booking", "store"] as const) {
    on(`${owner}.commit_in_doubt`, (event) => {
      const fields = "concertId" in event ? { concertId: event.concertId, requests: event.requests } : {};
      const message = "the response to a COMMIT was lost: checking whether the transaction is stored";
      logger.warn({ err: event.error, ...fields }, message);
    });
    on(`${owner}.commit_settled`, (event) => {
      if (event.outcome !== "unknown") return logger.info(event, "a COMMIT in doubt is settled");
      const message = "a transaction whose COMMIT was in doubt may be stored: the database did not say so in time";
      logger.warn(event, message);
    });
  }
}
