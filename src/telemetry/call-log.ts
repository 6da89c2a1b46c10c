import type { Logger } from "pino";
import { describeCauses } from "../domain/causes.ts";
import type { FinishedCall, RpcEvents } from "../rpc/events.ts";
import type { EventHub } from "./events.ts";

/** Codes of a service that is in trouble, as opposed to those of a rejected request. */
const troubleCodes = new Set(["Unknown", "Internal", "Unavailable", "DataLoss"]);
/** Between two warnings of one kind: a flood of requests must not flood the log. */
const pauseMs = 1_000;

/**
 * Logs each finished call in one line: at `debug` if it was answered or rejected, at `warn` if the service is in trouble, but
 * no more than one warning a second for each method, code and reason.
 */
export function logCalls(hub: Pick<EventHub<RpcEvents>, "subscribe">, logger: Logger): void {
  const warnedAtMs = new Map<string, number>();
  const isNews = (key: string) => {
    const nowMs = performance.now();
    if (nowMs - (warnedAtMs.get(key) ?? Number.NEGATIVE_INFINITY) < pauseMs) return false;
    warnedAtMs.set(key, nowMs);
    return true;
  };
  hub.subscribe("rpc.call_finished", (call) => {
    const { method, code, error } = call;
    const reason = error?.failure?.reason;
    const level = isTrouble(call) && isNews(`${method} ${code} ${reason}`) ? "warn" : "debug";
    if (!logger.isLevelEnabled(level)) return;
    const details = error && { reason, error: error.message, cause: describeCauses(error.cause) || undefined };
    logger[level]({ ...fieldsOf(call), ...details }, "call");
  });
  hub.subscribe("rpc.unexpected_error", ({ service, method, error }) =>
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
