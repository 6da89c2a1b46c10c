import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import type { Logger } from "pino";

/** Codes that tell of trouble on our side rather than of a refused request. */
const troubles = new Set([Code.Unknown, Code.Internal, Code.Unavailable, Code.DataLoss, Code.DeadlineExceeded]);

/** One line a call: at `debug` when answered or refused, at `warn` when something is wrong with the service. */
export function createLogInterceptor(logger: Logger): Interceptor {
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
      const level = troubles.has(code) ? "warn" : "debug";
      if (logger.isLevelEnabled(level)) logger[level]({ ...line(Code[code]), error: rawMessage, cause }, "call");
      throw error;
    }
  };
}
