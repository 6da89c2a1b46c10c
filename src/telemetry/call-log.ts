import { hash } from "node:crypto";
import { describeCauses } from "../domain/causes.ts";
import { namesUnknownKey } from "../domain/failure.ts";
import type { FinishedCall, RpcEvents } from "../rpc/events.ts";
import type { EventHub } from "./events.ts";
import { failureCodes, missesShortDeadline } from "./failed-calls.ts";
import type { LineLimit, LogLine } from "./limited-log.ts";

/** How the log names users. */
export type UserIds = "full" | "hashed" | "none";

/** Lines about calls that succeeded, of all methods together. A rush has thousands of calls a second. */
const linesOfSuccess: LineLimit = { lines: 50 };
/** Lines about rejected calls of one method, code and reason, and other lines about single requests. */
export const linesOfRequests: LineLimit = { lines: 10 };
/** Lines about calls that failed because of the service. */
const linesOfTrouble: LineLimit = { lines: 1 };

/**
 * Logs finished calls, each in one line: at `debug` if it was answered or rejected, at `warn` if the service is in trouble. The
 * lines of a second are bounded, so that the log takes a bounded part of the time that a rush leaves.
 */
export function logCalls(on: EventHub<RpcEvents>["subscribe"], log: LogLine, userIds: UserIds): void {
  on("rpc.call_finished", (call) => {
    const { method, code, error } = call;
    const fields = () => fieldsOf(call, userIds);
    if (error === undefined) return log("debug", "calls that succeeded", fields, "call", linesOfSuccess);
    const kind = `${method} ${code} ${error.failure?.reason}`;
    if (isTrouble(call)) log("warn", kind, fields, "call", linesOfTrouble);
    else log("debug", kind, fields, "call", linesOfRequests);
  });
  on("rpc.unexpected_error", ({ requestId, trace, service, method, error }) => {
    const name = { request_id: requestId, trace_id: trace?.traceId, method: `${service}/${method}` };
    const fields = () => ({ ...name, err: error });
    log(
      "error",
      `rpc.unexpected_error ${service}/${method}`,
      fields,
      "a call failed for an unforeseen reason",
      linesOfRequests,
    );
  });
}

function fieldsOf(call: FinishedCall, userIds: UserIds) {
  const { requestId, trace, user, service, method, protocol, messages, code, durationMs, error } = call;
  return {
    request_id: requestId,
    trace_id: trace?.traceId,
    caller: user === undefined ? undefined : callerText(user, userIds),
    method: `${service}/${method}`,
    ...{ protocol, messages, code },
    duration_ms: Math.round(durationMs * 10) / 10,
    ...(error && {
      reason: error.failure?.reason,
      error: error.message,
      cause: describeCauses(error.cause) || undefined,
    }),
  };
}

/** Enough of a hash that the users of a service have different ones. */
const hashLength = 16;

/** A user as the log may name it. */
function callerText(user: string, userIds: UserIds): string | undefined {
  if (userIds === "none") return undefined;
  return userIds === "full" ? user : hash("sha256", user).slice(0, hashLength);
}

function isTrouble(call: FinishedCall): boolean {
  const { code, messages, error } = call;
  const failure = error?.failure;
  if (!failureCodes.has(code) || missesShortDeadline(call) || namesUnknownKey(failure)) return false;
  if (messages === undefined) return true;
  // The deadline of a stream is how long its client wants to listen, and a stream normally ends with these reasons.
  const isUsualEnd = failure?.reason === "STREAM_EXPIRED" || failure?.reason === "SHUTTING_DOWN";
  return code !== "DeadlineExceeded" && !isUsualEnd;
}
