import { Code, ConnectError, type Interceptor, type StreamRequest, type UnaryRequest } from "@connectrpc/connect";
import type { Logger } from "pino";
import { describeCauses } from "../../domain/causes.ts";
import { DomainError, type Failure } from "../../domain/failure.ts";

/** Codes of trouble of the service, as opposed to those of a refused request. */
const troubles = new Set([Code.Unknown, Code.Internal, Code.Unavailable, Code.DataLoss]);
/** Between two warnings of one kind: a flood of requests must not flood the log as well. */
const pauseMs = 1_000;

/** Whether the token may be at fault: every client can send one that names an unknown key. */
function isTokens(failure: Failure | undefined): boolean {
  return failure?.reason === "KEYS_UNAVAILABLE" && failure.isKeyUnknown === true;
}

/** Whether a stream has ended as it has to: at its longest duration, or in a shutdown. */
function isDue(isStream: boolean, failure: Failure | undefined): boolean {
  return failure?.reason === "STREAM_EXPIRED" || (isStream && failure?.reason === "SHUTTING_DOWN");
}

/** A call that has ended. */
export interface EndedCall {
  readonly request: Pick<UnaryRequest | StreamRequest, "service" | "method" | "stream">;
  /** By `performance.now()`. */
  readonly startedAtMs: number;
  /** What the caller got; undefined for a call that succeeded. */
  readonly error?: unknown;
  /** Further fields of the line. */
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** Logs a call that has ended. */
export type LogCall = (call: EndedCall) => void;

/**
 * One line a call: at `debug` when answered or refused, at `warn` when something is wrong with the service, though then not
 * more often than once a second for each method, code and reason. `cause` says what led to a failure.
 */
export function createCallLog(logger: Logger): LogCall {
  const warnedAtMs = new Map<string, number>();
  const isNews = (key: string, nowMs: number) => {
    if (nowMs - (warnedAtMs.get(key) ?? Number.NEGATIVE_INFINITY) < pauseMs) return false;
    warnedAtMs.set(key, nowMs);
    return true;
  };
  return ({ request, startedAtMs, error, fields = {} }) => {
    const line = (code: string) => ({
      method: `${request.service.typeName}/${request.method.name}`,
      ...fields,
      code,
      duration_ms: Math.round((performance.now() - startedAtMs) * 10) / 10,
    });
    if (error === undefined) {
      if (logger.isLevelEnabled("debug")) logger.debug(line("OK"), "call");
      return;
    }
    const { code, rawMessage, cause } = ConnectError.from(error);
    const failure = cause instanceof DomainError ? cause.failure : undefined;
    const reason = failure?.reason;
    const isWarning =
      troubles.has(code) &&
      !isTokens(failure) &&
      !isDue(request.stream, failure) &&
      isNews(`${request.method.name} ${code} ${reason}`, performance.now());
    const level = isWarning ? "warn" : "debug";
    if (!logger.isLevelEnabled(level)) return;
    const why = describeCauses(cause instanceof DomainError ? cause.cause : cause) || undefined;
    logger[level]({ ...line(Code[code]), reason, error: rawMessage, cause: why }, "call");
  };
}

/** Logs each unary call. */
export function createLogInterceptor(logCall: LogCall): Interceptor {
  return (next) => async (request) => {
    if (request.stream) return await next(request);
    const startedAtMs = performance.now();
    try {
      const response = await next(request);
      logCall({ request, startedAtMs });
      return response;
    } catch (error) {
      logCall({ request, startedAtMs, error });
      throw error;
    }
  };
}
