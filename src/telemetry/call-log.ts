import type { Logger } from "pino";
import { describeCauses } from "../domain/causes.ts";
import type { FinishedCall, RpcEvents } from "../rpc/events.ts";
import type { EventHub } from "./events.ts";
import type { Repeats } from "./repeats.ts";

/** Codes of a service that is in trouble, as opposed to those of a rejected request. */
const troubleCodes = new Set(["Unknown", "Internal", "Unavailable", "DataLoss"]);

/**
 * Logs each finished call in one line: at `debug` if it was answered or rejected, at `warn` if the service is in trouble, but
 * no more than one warning in an interval for each method, code and reason.
 */
export function logCalls(on: EventHub<RpcEvents>["subscribe"], logger: Logger, repeats: Repeats): void {
  on("rpc.call_finished", (call) => {
    const { method, code, error } = call;
    const reason = error?.failure?.reason;
    const dropped = isTrouble(call) ? repeats.next(`${method} ${code} ${reason}`) : undefined;
    const level = dropped === undefined ? "debug" : "warn";
    if (!logger.isLevelEnabled(level)) return;
    const details = error && { reason, error: error.message, cause: describeCauses(error.cause) || undefined };
    logger[level]({ ...fieldsOf(call), ...details, dropped: dropped || undefined }, "call");
  });
  on("rpc.unexpected_error", ({ service, method, error }) =>
    logger.error({ err: error, method: `${service}/${method}` }, "a call failed for an unforeseen reason"),
  );
}

function fieldsOf({ service, method, protocol, messages, code, durationMs }: FinishedCall) {
  return {
    method: `${service}/${method}`,
    ...(messages === undefined ? {} : { protocol, messages }),
    code,
    duration_ms: Math.round(durationMs * 10) / 10,
  };
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
