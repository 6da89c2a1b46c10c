/** The log's lines about what the service publishes. */
import type { Logger } from "pino";
import { describeCauses } from "../domain/causes.ts";
import { linesOfRequests, logCalls, type UserIds } from "./call-log.ts";
import { logDroppedSpans } from "./dropped-spans.ts";
import type { AppEvents, EventHub } from "./events.ts";
import { type LogLine, limitLines } from "./limited-log.ts";

type Subscribe = EventHub<AppEvents>["subscribe"];

/** Between two warnings that Redis, or the primary process, has failed. */
const sharedLimitsIntervalMs = 30_000;

/** A batch may have hundreds of traced calls. */
const maxTraceIds = 16;

/** Logs events until the result is disposed of. */
export function logEvents(hub: EventHub<AppEvents>, logger: Logger, userIds: UserIds = "hashed"): Disposable {
  const stack = new DisposableStack();
  const on: Subscribe = (name, listener) => stack.use(hub.subscribe(name, listener));
  const { log } = stack.use(limitLines(logger, () => hub.publish("telemetry.log_lines_dropped", { lines: 1 })));
  logCalls(on, log, userIds);
  logGuards(on, log);
  logConnections(on, logger, log);
  logRequests(on, log);
  logStore(on, logger, log);
  logWorkers(on, logger, log);
  stack.use(logDroppedSpans(on, logger));
  return stack;
}

function logGuards(on: Subscribe, log: LogLine): void {
  on("auth.keys_unreachable", ({ error }) =>
    log("warn", "auth.keys_unreachable", () => ({ err: error }), "the keys to check tokens with cannot be fetched"),
  );
  on("auth.token_rejected", ({ requestId, traceId, describe }) => {
    const fields = () => ({ request_id: requestId, trace_id: traceId, ...describe() });
    log("debug", "auth.token_rejected", fields, "a token was refused", linesOfRequests);
  });
  on("limits.redis_failed", (err) => {
    const message = "Redis cannot be reached: each instance counts its callers alone";
    log("warn", "limits.redis_failed", () => ({ err }), message, { perMs: sharedLimitsIntervalMs });
  });
}

function logConnections(on: Subscribe, logger: Logger, log: LogLine): void {
  on("transport.connections_refused", (refused) => {
    logger.warn(refused, "connections were refused: there are too many");
  });
  on("transport.accept_failed", ({ error }) =>
    log("warn", "transport.accept_failed", () => ({ err: error }), "a connection could not be accepted"),
  );
  on("transport.readiness_changed", ({ state, reason, cause }) => {
    if (reason === undefined) logger.info({ state }, state === "draining" ? "not ready: about to stop" : state);
    else logger.warn({ state, cause: describeCauses(cause) || undefined }, `not ready: ${reason}`);
  });
}

function logRequests(on: Subscribe, log: LogLine): void {
  on("transport.request_failed", ({ requestId, error, method, route }) => {
    const fields = () => ({ request_id: requestId, err: error, method, route });
    log("error", "transport.request_failed", fields, "a request failed for an unforeseen reason", linesOfRequests);
  });
  on("transport.request_refused", ({ requestId, method, route, code }) => {
    const fields = () => ({ request_id: requestId, method, route, code });
    log("debug", `transport.request_refused ${route} ${code}`, fields, "a request was refused", linesOfRequests);
  });
  on("transport.call_failed", ({ requestId, error, method }) => {
    const fields = () => ({ request_id: requestId, err: error, method });
    log("error", "transport.call_failed", fields, "a call failed for an unforeseen reason", linesOfRequests);
  });
  on("transport.response_failed", ({ requestId, error, method, isClientGone }) => {
    const fields = () => ({ request_id: requestId, err: error, method });
    const level = isClientGone ? "debug" : "warn";
    log(level, "transport.response_failed", fields, "a response could not be written", linesOfRequests);
  });
}

const whyKilled: Readonly<Record<AppEvents["workers.killed"]["reason"], string>> = {
  silent: "a worker process has given no sign of life for 10 seconds: it is killed",
  starting: "a worker process does not serve 60 seconds after its start: it is killed",
  stopping: "a worker process has not stopped in time: it is killed",
};

function logWorkers(on: Subscribe, logger: Logger, log: LogLine): void {
  on("workers.started", ({ worker, pid }) => logger.debug({ worker, pid }, "a worker process serves"));
  on("workers.ended", ({ worker, exitCode, signal, failure, restartMs }) => {
    const next = restartMs === undefined ? "none is started in its place" : "another one is started";
    const fields = { worker, exit_code: exitCode, signal, failure, restart_ms: restartMs };
    logger.error(fields, `a worker process ended: ${next}`);
  });
  on("workers.killed", ({ worker, pid, reason }) => logger.error({ worker, pid }, whyKilled[reason]));
  on("workers.primary_late", ({ waitedMs }) => {
    const message = "the primary process does not answer: this worker counts its callers alone";
    log("warn", "workers.primary_late", () => ({ waited_ms: waitedMs }), message, { perMs: sharedLimitsIntervalMs });
  });
  on("workers.entry_unanswered", ({ waitedMs }) => {
    const message = "connections are refused: the primary process does not answer";
    log("warn", "workers.entry_unanswered", () => ({ waited_ms: waitedMs }), message, {
      perMs: sharedLimitsIntervalMs,
    });
  });
  on("workers.metrics_missing", ({ workers }) =>
    log("warn", "workers.metrics_missing", () => ({ workers }), "workers did not answer in time for a scrape"),
  );
}

function logStore(on: Subscribe, logger: Logger, log: LogLine): void {
  on("store.connection_lost", ({ error }) =>
    log("warn", "store.connection_lost", () => ({ err: error }), "an idle database connection broke"),
  );
  on("store.prepared_statement_lost", ({ error }) =>
    logger.warn(
      { err: error },
      "a prepared statement was lost, as behind a pooler that keeps none: from now on statements are not prepared; " +
        "set APP_DATABASE_PREPARED_STATEMENTS=false",
    ),
  );
  on("booking.sweep_failed", ({ error }) => {
    const message = "holds that are due could not be expired: the next call for each concert does it";
    log("warn", "booking.sweep_failed", () => ({ err: error }), message);
  });
  on("booking.retention_failed", ({ error }) =>
    log("warn", "booking.retention_failed", () => ({ err: error }), "old rows could not be deleted"),
  );
  on("booking.hold_count_failed", ({ error }) =>
    log("warn", "booking.hold_count_failed", () => ({ err: error }), "the holds could not be counted"),
  );
  on("booking.inventory_mismatched", (fields) =>
    logger.error(fields, "the counters of a concert contradict its bookings: compare them in the database"),
  );
  on("booking.inventory_check_failed", ({ error, concertId }) => {
    const message = "the concerts could not be compared with their bookings";
    log("warn", "booking.inventory_check_failed", () => ({ err: error, concertId }), message);
  });
  // Each is logged: a batch that may be stored is one for an operator to look at.
  for (const owner of ["booking", "store"] as const) {
    on(`${owner}.commit_in_doubt`, (event) => {
      const fields = "concertId" in event && {
        ...{ concertId: event.concertId, requests: event.requests },
        trace_ids: event.batchTrace?.traces.slice(0, maxTraceIds).map(({ traceId }) => traceId),
      };
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
