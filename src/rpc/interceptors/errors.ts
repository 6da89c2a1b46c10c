import { ConnectError, type Interceptor, type StreamRequest, type UnaryRequest } from "@connectrpc/connect";
import { DomainError } from "../../domain/errors.ts";
import { applyHeaders } from "../answer-headers.ts";
import { connectErrorFor, internalError } from "../status.ts";

/**
 * Turns what handlers throw into what callers get. Connect's own errors (an unknown method, a cancelled call) pass; what
 * nobody foresaw becomes INTERNAL and goes to `report`, once, with its cause.
 */
export function createErrorInterceptor(report: (error: unknown, method: string) => void): Interceptor {
  return (next) => async (request) => {
    try {
      const response = await next(request);
      applyHeaders(request.contextValues, response.header);
      return response;
    } catch (error) {
      const answer = toConnectError(error, request, report);
      applyHeaders(request.contextValues, answer.metadata);
      throw answer;
    }
  };
}

function toConnectError(
  error: unknown,
  request: UnaryRequest | StreamRequest,
  report: (error: unknown, method: string) => void,
): ConnectError {
  if (error instanceof DomainError) {
    return connectErrorFor(error, { repeatable: !request.stream && carriesRequestId(request) });
  }
  if (error instanceof ConnectError) return error;
  report(error, `${request.service.typeName}/${request.method.name}`);
  return internalError(error);
}

function carriesRequestId({ message }: UnaryRequest): boolean {
  return "requestId" in message && message.requestId !== "";
}
