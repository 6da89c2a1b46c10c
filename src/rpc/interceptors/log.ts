import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import type { Logger } from "pino";
import { describeCauses } from "../../domain/causes.ts";
import { DomainError, type Failure } from "../../domain/errors.ts";

/** Codes that tell of trouble on our side rather than of a refused request. */
const troubles = new Set([Code.Unknown, Code.Internal, Code.Unavailable, Code.DataLoss]);
/** What a crowd can bring about is told this often: who floods the service must not flood the log as well. */
const pauseMs = 1_000;

/** Whether the token may be at fault: every client can send one that names an unknown key. */
function isTokens(failure: Failure | undefined): boolean {
  return failure?.reason === "KEYS_UNAVAILABLE" && failure.isKeyUnknown === true;
}

/**
 * One line a call: at `debug` when answered or refused, at `warn` when something is wrong with the service, though then not
 * more often than once a second for each method, code and reason. `cause` says what led to a failure.
 */
export function createLogInterceptor(logger: Logger): Interceptor {
  const toldAtMs = new Map<string, number>();
  const isNews = (key: string, nowMs: number) => {
    if (nowMs - (toldAtMs.get(key) ?? Number.NEGATIVE_INFINITY) < pauseMs) return false;
    toldAtMs.set(key, nowMs);
    return true;
  };
  return (next) => async (request) => {
    const startedAt = performance.now();
    const line = (code: string) => ({
      method: `${request.service.typeName}/${request.method.name}`,
      code,
      duration_ms: Math.round((performance.now() - startedAt) * 10) / 10,
    });
    try {
      const response = await next(request);
      if (logger.isLevelEnabled("debug")) logger.debug(line("OK"), "call");
      return response;
    } catch (error) {
      const { code, rawMessage, cause } = ConnectError.from(error);
      const failure = cause instanceof DomainError ? cause.failure : undefined;
      const reason = failure?.reason;
      const isTold =
        troubles.has(code) &&
        !isTokens(failure) &&
        isNews(`${request.method.name} ${code} ${reason}`, performance.now());
      const level = isTold ? "warn" : "debug";
      if (logger.isLevelEnabled(level)) {
        const why = describeCauses(cause instanceof DomainError ? cause.cause : cause) || undefined;
        logger[level]({ ...line(Code[code]), reason, error: rawMessage, cause: why }, "call");
      }
      throw error;
    }
  };
}
