import { hash } from "node:crypto";
import type { Logger } from "pino";
import { describeCauses } from "../domain/causes.ts";
import type { FinishedCall, RpcEvents } from "../rpc/events.ts";
import type { EventHub } from "./events.ts";
import { countOf, type RepeatLimit, type Repeats } from "./repeats.ts";

/** How the log names users. */
export type UserIds = "full" | "hashed" | "none";

/** Codes of a service that is in trouble, as opposed to those of a rejected request. */
const troubleCodes = new Set(["Unknown", "Internal", "Unavailable", "DataLoss"]);

/** Lines about calls that succeeded, of all methods together. A rush has thousands of calls a second. */
const linesOfSuccess: RepeatLimit = { lines: 50 };
/** Lines about rejected calls of one method, code and reason. */
export const linesOfKind: RepeatLimit = { lines: 10 };
/** Lines about calls that failed because of the service. */
const linesOfTrouble: RepeatLimit = { lines: 1 };

/**
 * Logs finished calls, each in one line: at `debug` if it was answered or rejected, at `warn` if the service is in trouble. The
 * lines of a second are bounded, so that the log takes a bounded part of the time that a rush leaves.
 */
export function logCalls(
  on: EventHub<RpcEvents>["subscribe"],
  logger: Logger,
  repeats: Repeats,
  userIds: UserIds = "hashed",
): void {
  on("rpc.call_finished", (call) => {
    const { method, code, error } = call;
    const isWarning = isTrouble(call);
    const level = isWarning ? "warn" : "debug";
    if (!logger.isLevelEnabled(level)) return;
    const reason = error?.failure?.reason;
    const kind = error === undefined ? "OK" : `${level} ${method} ${code} ${reason}`;
    const limit = isWarning ? linesOfTrouble : error === undefined ? linesOfSuccess : linesOfKind;
    const dropped = repeats.next(kind, limit);
    if (dropped === undefined) return;
    const details = error && { reason, error: error.message, cause: describeCauses(error.cause) || undefined };
    logger[level]({ ...fieldsOf(call, userIds), ...details, ...countOf(dropped) }, "call");
  });
  on("rpc.unexpected_error", ({ requestId, trace, service, method, error }) => {
    const dropped = repeats.next("rpc.unexpected_error", linesOfKind);
    if (dropped === undefined) return;
    const fields = {
      request_id: requestId,
      trace_id: trace?.traceId,
      err: error,
      method: `${service}/${method}`,
      ...countOf(dropped),
    };
    logger.error(fields, "a call failed for an unforeseen reason");
  });
}

function fieldsOf(call: FinishedCall, userIds: UserIds) {
  const { requestId, trace, user, service, method, protocol, messages, code, durationMs } = call;
  return {
    request_id: requestId,
    trace_id: trace?.traceId,
    caller: user === undefined ? undefined : callerText(user, userIds),
    method: `${service}/${method}`,
    protocol,
    messages,
    code,
    duration_ms: Math.round(durationMs * 10) / 10,
  };
}

/** Enough of a hash that the users of a service have different ones. */
const hashLength = 16;

/** A user as the log may name it. */
function callerText(user: string, userIds: UserIds): string | undefined {
  if (userIds === "none") return undefined;
  return userIds === "full" ? user : hash("sha256", user).slice(0, hashLength);
}

function isTrouble({ code, messages, error }: FinishedCall): boolean {
  if (!troubleCodes.has(code)) return false;
  const failure = error?.failure;
  // Any client can send a token that names an unknown key.
  if (failure?.reason === "KEYS_UNAVAILABLE" && failure.isKeyUnknown === true) return false;
  const isStream = messages !== undefined;
  // A stream normally ends with these reasons.
  return !(failure?.reason === "STREAM_EXPIRED" || (isStream && failure?.reason === "SHUTTING_DOWN"));
}
