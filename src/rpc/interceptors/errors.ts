import { ConnectError, type Interceptor, type UnaryRequest } from "@connectrpc/connect";
import { DomainError } from "../../domain/errors.ts";
import { connectErrorFor, internalError } from "../errors.ts";

/**
 * Turns what handlers throw into what callers get. Connect's own errors (an unknown method, a cancelled call) pass; what
 * nobody foresaw becomes INTERNAL and goes to `report`, once, with its cause.
 */
export function createErrorInterceptor(report: (error: unknown, method: string) => void): Interceptor {
  return (next) => async (request) => {
    try {
      return await next(request);
    } catch (error) {
      if (error instanceof DomainError) {
        throw connectErrorFor(error, { repeatable: !request.stream && carriesRequestId(request) });
      }
      if (error instanceof ConnectError) throw error;
      report(error, `${request.service.typeName}/${request.method.name}`);
      throw internalError(error);
    }
  };
}

function carriesRequestId({ message }: UnaryRequest): boolean {
  return "requestId" in message && message.requestId !== "";
}
