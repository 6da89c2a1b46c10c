import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import { DomainError } from "../../domain/failure.ts";
import type { Publish } from "../../domain/publish.ts";
import { originOf } from "../call-context.ts";
import type { CallError, FinishedCall, RpcEvents } from "../events.ts";
import type { AnyRequest } from "../request-message.ts";

/** Publishes the end of each unary call. */
export function createCallEventInterceptor(publish: Publish<RpcEvents>): Interceptor {
  return (next) => async (request) => {
    if (request.stream) return await next(request);
    const startedAtMs = performance.now();
    try {
      const response = await next(request);
      publish("rpc.call_finished", finishedCall(request, startedAtMs));
      return response;
    } catch (error) {
      publish("rpc.call_finished", finishedCall(request, startedAtMs, error));
      throw error;
    }
  };
}

/** The event of a call that began at an instant of `performance.now()` and ends now, with an error if it failed. */
export function finishedCall(
  request: Pick<AnyRequest, "service" | "method" | "contextValues">,
  startedAtMs: number,
  error?: unknown,
  messages?: number,
): FinishedCall {
  const failed = error === undefined ? undefined : ConnectError.from(error);
  return {
    service: request.service.typeName,
    method: request.method.name,
    protocol: originOf(request.contextValues).protocol,
    durationMs: performance.now() - startedAtMs,
    messages,
    code: failed ? Code[failed.code] : "OK",
    error: failed && callErrorOf(failed),
  };
}

function callErrorOf({ rawMessage, cause }: ConnectError): CallError {
  const isDomain = cause instanceof DomainError;
  return { failure: isDomain ? cause.failure : undefined, message: rawMessage, cause: isDomain ? cause.cause : cause };
}
