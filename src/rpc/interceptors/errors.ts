import { ConnectError, type Interceptor, type StreamRequest, type UnaryRequest } from "@connectrpc/connect";
import { DomainError } from "../../domain/failure.ts";
import { applyHeaders } from "../response-headers.ts";
import { connectErrorFor, internalError } from "../status.ts";

/** Reports an unexpected error and the method that raised it. */
export type ReportError = (error: unknown, method: string) => void;

/**
 * Turns what handlers of unary calls throw into what callers get. Connect's own errors (an unknown method, a cancelled call)
 * pass. An unexpected error becomes INTERNAL and goes to `report`, once, with its cause.
 */
export function createErrorInterceptor(report: ReportError): Interceptor {
  return (next) => async (request) => {
    if (request.stream) return await next(request);
    try {
      const response = await next(request);
      applyHeaders(request.contextValues, response.header);
      return response;
    } catch (error) {
      throw toConnectError(error, request, report);
    }
  };
}

/** The error that the caller of a call gets, with the headers that were noted for it. */
export function toConnectError(
  error: unknown,
  request: UnaryRequest | StreamRequest,
  report: ReportError,
): ConnectError {
  const answer = answerFor(error, request, report);
  applyHeaders(request.contextValues, answer.metadata);
  return answer;
}

function answerFor(error: unknown, request: UnaryRequest | StreamRequest, report: ReportError): ConnectError {
  if (error instanceof DomainError) {
    const { stream: isStream } = request;
    return connectErrorFor(error, { repeatable: !isStream && carriesRequestId(request), isStream });
  }
  if (error instanceof ConnectError) return error;
  report(error, `${request.service.typeName}/${request.method.name}`);
  return internalError(error);
}

function carriesRequestId({ message }: UnaryRequest): boolean {
  return "requestId" in message && message.requestId !== "";
}
