import { ConnectError, type Interceptor } from "@connectrpc/connect";
import { DomainError } from "../../domain/failure.ts";
import type { Publish } from "../../domain/publish.ts";
import { applyResponseHeaders } from "../call-context.ts";
import type { RpcEvents } from "../events.ts";
import type { AnyRequest } from "../request-message.ts";
import { connectErrorFor, internalError } from "../status.ts";

/**
 * Converts what handlers of unary calls throw to the error that the client gets. Connect's own errors (an unknown method, a
 * cancelled call) pass. Any other error becomes INTERNAL, and is published once with its cause.
 */
export function createErrorInterceptor(publish: Publish<RpcEvents>): Interceptor {
  return (next) => async (request) => {
    if (request.stream) return await next(request);
    try {
      const response = await next(request);
      applyResponseHeaders(request.contextValues, response.header);
      return response;
    } catch (error) {
      throw toConnectError(error, request, publish);
    }
  };
}

/** The error that the client gets, with the response headers that interceptors have set. */
export function toConnectError(error: unknown, request: AnyRequest, publish: Publish<RpcEvents>): ConnectError {
  const connectError = convert(error, request, publish);
  applyResponseHeaders(request.contextValues, connectError.metadata);
  return connectError;
}

function convert(error: unknown, request: AnyRequest, publish: Publish<RpcEvents>): ConnectError {
  if (error instanceof DomainError) {
    return connectErrorFor(error, { repeatable: hasRequestId(request), isStream: request.stream });
  }
  if (error instanceof ConnectError) return error;
  publish("rpc.unexpected_error", { service: request.service.typeName, method: request.method.name, error });
  return internalError(error);
}

function hasRequestId({ stream, message }: AnyRequest): boolean {
  return !stream && "requestId" in message && message.requestId !== "";
}
