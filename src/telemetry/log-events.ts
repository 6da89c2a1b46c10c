/** The log's lines about what the service publishes. */
import type { Logger } from "pino";
import { describeCauses } from "../domain/causes.ts";
import { logCalls } from "./call-log.ts";
import type { AppEvents, EventHub } from "./events.ts";
import { createRepeats } from "./repeats.ts";

type Subscribe = EventHub<AppEvents>["subscribe"];
/** Logs a warning, unless one of its kind was logged a moment ago. The next one has the number of those dropped. */
type Warn = (kind: keyof AppEvents, fields: object, message: string, intervalMs?: number) => void;

/** Between two warnings that Redis, or the primary process, has failed. */
const sharedLimitsIntervalMs = 30_000;

/** Logs events until the result is disposed of. */
export function logEvents(hub: EventHub<AppEvents>, logger: Logger): Disposable {
  const stack = new DisposableStack();
  const on: Subscribe = (name, listener) => stack.use(hub.subscribe(name, listener));
  const repeats = createRepeats();
  const warn: Warn = (kind, fields, message, intervalMs) => {
    const dropped = repeats.next(kind, intervalMs);
    if (dropped !== undefined) logger.warn({ ...fields, ...(dropped > 0 && { dropped }) }, message);
  };
  logCalls(on, logger, repeats);
  logGuards(on, logger, warn);
  logTransport(on, logger, warn);
  logStore(on, logger, warn);
  logWorkers(on, logger, warn);
  return stack;
}

function logGuards(on: Subscribe, logger: Logger, warn: Warn): void {
  on("auth.keys_unreachable", ({ error }) =>
    warn("auth.keys_unreachable", { err: error }, "the keys to check tokens with cannot be fetched"),
  );
  on("auth.token_rejected", ({ describe }) => {
    if (logger.isLevelEnabled("debug")) logger.debug(describe(), "a token was refused");
  });
  on("limits.redis_failed", (err) =>
    warn(
      "limits.redis_failed",
      { err },
      "Redis cannot be reached: each instance counts its callers alone",
      sharedLimitsIntervalMs,
    ),
  );
}

function logTransport(on: Subscribe, logger: Logger, warn: Warn): void {
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
  on("transport.request_failed", ({ error, ...request }) => {
    logger.error({ err: error, ...request }, "a request failed for an unforeseen reason");
  });
  on("transport.call_failed", ({ error, method }) => {
    logger.error({ err: error, method }, "a call failed for an unforeseen reason");
  });
  on("transport.response_failed", ({ error, method, isClientGone }) => {
    logger[isClientGone ? "debug" : "warn"]({ err: error, method }, "a response could not be written");
  });
}

function logWorkers(on: Subscribe, logger: Logger, warn: Warn): void {
  on("workers.started", ({ worker, pid }) => logger.debug({ worker, pid }, "a worker process serves"));
  on("workers.ended", ({ worker, exitCode, signal, failure, restartMs }) => {
    const next = restartMs === undefined ? "none is started in its place" : "another one is started";
    const fields = { worker, exit_code: exitCode, signal, failure, restart_ms: restartMs };
    logger.error(fields, `a worker process ended: ${next}`);
  });
  on("workers.primary_late", ({ waitedMs }) =>
    warn(
      "workers.primary_late",
      { waited_ms: waitedMs },
      "the primary process does not answer: this worker counts its callers alone",
      sharedLimitsIntervalMs,
    ),
  );
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
    on(`${owner}.commit_in_doubt`, ({ error, ...fields }) => {
      const message = "the response to a COMMIT was lost: checking whether the transaction is stored";
      logger.warn({ err: error, ...fields }, message);
    });
    on(`${owner}.commit_settled`, (event) => {
      if (event.outcome !== "unknown") return logger.info(event, "a COMMIT in doubt is settled");
      const message = "a transaction whose COMMIT was in doubt may be stored: the database did not say so in time";
      logger.warn(event, message);
    });
  }
}
