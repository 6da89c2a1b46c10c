/** How a call ends with an error: what the client gets, and what observers get. */
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { DomainError, retryDelayMs } from "../../domain/failure.ts";
import type { Publish } from "../../domain/publish.ts";
import { applyResponseHeaders, originOf, traceOf } from "../call-context.ts";
import type { CallError, FinishedCall, RpcEvents } from "../events.ts";
import { clientTimeoutMs } from "../request-headers.ts";
import type { AnyRequest } from "../request-message.ts";
import { connectErrorFor, internalError } from "../status.ts";
import { userOf } from "./call-user.ts";

/**
 * The error that the client gets, with the response headers that interceptors have set. Connect's own errors (an unknown
 * method, a cancelled call) pass. An error that is not from the domain becomes INTERNAL, and is published with its cause.
 */
export function toConnectError(error: unknown, request: AnyRequest, publish: Publish<RpcEvents>): ConnectError {
  const connectError = convert(error, request, publish);
  applyResponseHeaders(request.contextValues, connectError.metadata);
  return connectError;
}

function convert(error: unknown, request: AnyRequest, publish: Publish<RpcEvents>): ConnectError {
  if (error instanceof DomainError) {
    const isIdempotent = request.method.idempotency === MethodOptions_IdempotencyLevel.IDEMPOTENT;
    const repeatable = isIdempotent || hasRequestId(request);
    return connectErrorFor(error, { repeatable, isIdempotent, isStream: request.stream });
  }
  if (error instanceof ConnectError) return error;
  publish("rpc.unexpected_error", {
    ...nameOf(request),
    trace: traceOf(request.contextValues),
    error,
  });
  return internalError(error);
}

function hasRequestId({ stream, message }: AnyRequest): boolean {
  return !stream && "requestId" in message && message.requestId !== "";
}

/** The error of a call whose signal has aborted: the client, the deadline or a shutdown has ended the call. */
export function errorOfAbort(reason: unknown, begun: boolean): Error {
  const { code } = ConnectError.from(reason);
  const isGone = code === Code.Canceled || code === Code.Aborted;
  if (isGone) return new ConnectError("the client has gone away", Code.Canceled);
  if (code === Code.Unavailable) return new DomainError({ reason: "SHUTTING_DOWN", begun, retryDelayMs });
  return new DomainError({ reason: "DEADLINE_EXCEEDED", begun });
}

/** Which call a request makes. */
export function nameOf({ service, method, contextValues }: AnyRequest) {
  return { service: service.typeName, method: method.name, requestId: originOf(contextValues).requestId };
}

/** The event of a call that began at an instant of `performance.now()` and ends now, with an error if it failed. */
export function finishedCall(
  request: AnyRequest,
  startedAtMs: number,
  error?: unknown,
  messages?: number,
): FinishedCall {
  const failed = error === undefined ? undefined : ConnectError.from(error);
  return {
    ...nameOf(request),
    protocol: originOf(request.contextValues).protocol,
    trace: traceOf(request.contextValues),
    user: userOf(request),
    durationMs: performance.now() - startedAtMs,
    timeoutMs: failed?.code === Code.DeadlineExceeded ? clientTimeoutMs(request.header) : undefined,
    messages,
    code: failed ? Code[failed.code] : "OK",
    error: failed && callErrorOf(failed),
  };
}

function callErrorOf({ rawMessage, cause }: ConnectError): CallError {
  const isDomain = cause instanceof DomainError;
  return { failure: isDomain ? cause.failure : undefined, message: rawMessage, cause: isDomain ? cause.cause : cause };
}
