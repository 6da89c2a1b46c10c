/** The errors of requests that do not reach a method, and the HTTP status of every error. */
import { ConnectError } from "@connectrpc/connect";
import { DomainError } from "../domain/failure.ts";
import { shortValue } from "../domain/short-text.ts";
import { type CodeName, codeName, codeOf, codesOf, describeReason, type ReasonName } from "../rpc/reasons.ts";
import { internalStatus, type Status, statusFor, statusOf } from "../rpc/status.ts";

/** An error that was found before a method was called. */
export class HttpError extends Error {
  override readonly name = "HttpError";
  readonly status: Status;

  constructor(status: Status) {
    super(status.message);
    this.status = status;
  }
}

/** HTTP's status for each RPC code, as google/rpc/code.proto maps them. */
export const httpStatusOfCode: Readonly<Record<CodeName, number>> = {
  CANCELLED: 499,
  UNKNOWN: 500,
  INVALID_ARGUMENT: 400,
  DEADLINE_EXCEEDED: 504,
  NOT_FOUND: 404,
  ALREADY_EXISTS: 409,
  PERMISSION_DENIED: 403,
  RESOURCE_EXHAUSTED: 429,
  FAILED_PRECONDITION: 400,
  ABORTED: 409,
  OUT_OF_RANGE: 400,
  UNIMPLEMENTED: 501,
  INTERNAL: 500,
  UNAVAILABLE: 503,
  DATA_LOSS: 500,
  UNAUTHENTICATED: 401,
};

/** The HTTP statuses that a reason can have in REST, the usual one first. */
export function httpStatusesOf(reason: ReasonName): readonly number[] {
  const { httpStatuses } = describeReason(reason);
  return httpStatuses.length > 0 ? httpStatuses : codesOf(reason).map((code) => httpStatusOfCode[codeName(code)]);
}

/** The HTTP status of an error in REST. */
export function httpStatusOf({ code, reason, httpStatus }: Pick<Status, "code" | "reason" | "httpStatus">): number {
  return httpStatus ?? describeReason(reason).httpStatuses[0] ?? httpStatusOfCode[codeName(code)];
}

/** The status of a request that is refused before it reaches a method. */
export function refusal(reason: ReasonName, message: string, headers?: Status["headers"]): Status {
  return { code: codeOf(reason), reason, message, metadata: {}, headers };
}

const refusals: ReadonlyMap<number, Status> = new Map(
  [
    refusal("INVALID_REQUEST", "the request is malformed"),
    refusal("ROUTE_NOT_FOUND", "there is nothing at this path"),
    refusal("METHOD_NOT_ALLOWED", "this path does not take this method"),
    refusal("REQUEST_TIMEOUT", "the request took too long to arrive"),
    refusal("PRECONDITION_FAILED", "the header If-Match does not name what is at this path"),
    refusal("REQUEST_TOO_LARGE", "the request body is too large"),
    refusal("UNSUPPORTED_MEDIA_TYPE", "the body must be JSON, sent with Content-Type: application/json"),
    refusal("EXPECTATION_FAILED", "the header Expect may be 100-continue only"),
    refusal("HEADERS_TOO_LARGE", "the request headers are too large"),
    refusal("TRANSFER_ENCODING_NOT_SUPPORTED", "of the transfer codings only chunked is supported"),
    refusal("HTTP_VERSION_NOT_SUPPORTED", "a call that streams both ways needs HTTP/2"),
  ].map((status) => [httpStatusOf(status), status]),
);

/** The error of an HTTP status. `message` replaces the usual sentence. */
export function httpError(httpStatus: number, message?: string, headers?: Status["headers"]): HttpError {
  const status = refusals.get(httpStatus) ?? internalStatus;
  return new HttpError({ ...status, message: message ?? status.message, headers });
}

/** The error of a path that no route answers. */
export function routeNotFound(path: string): HttpError {
  return httpError(404, `there is nothing at ${shortValue(path)}`);
}

/** The status of any value that was thrown while a request was answered. An error that no code expects is INTERNAL. */
export function statusOfError(error: unknown): Status {
  if (error instanceof HttpError) return error.status;
  if (error instanceof ConnectError) return statusOf(error) ?? internalStatus;
  // It is thrown by a decoder, before the call begins.
  if (error instanceof DomainError) return statusFor(error.failure, { repeatable: false });
  // Fastify's own errors name an HTTP status.
  if (!(error instanceof Error && "statusCode" in error && typeof error.statusCode === "number")) return internalStatus;
  const isBadUrl = "code" in error && error.code === "FST_ERR_BAD_URL";
  return httpError(error.statusCode, isBadUrl ? "the path is not percent-encoded UTF-8" : undefined).status;
}
