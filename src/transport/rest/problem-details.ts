/** Errors as REST clients see them: RFC 9457 `application/problem+json`. */
import { ConnectError } from "@connectrpc/connect";
import type { FastifyReply } from "fastify";
import { DomainError, type Violation } from "../../domain/failure.ts";
import { shortMessage, shortValue } from "../../domain/short-text.ts";
import { type CodeName, codeName, codeOf, codesOf, describeReason, type ReasonName } from "../../rpc/reasons.ts";
import { internalStatus, type Status, statusFor, statusOf } from "../../rpc/status.ts";
import { errorOfProblem, readsGrpcStatus, refuseGrpc } from "../connect/grpc-refusal.ts";

export interface Problem {
  /** A URI that names the kind of problem: one for each reason. */
  readonly type: string;
  /** The reason in words, the same for every occurrence. */
  readonly title: string;
  readonly status: number;
  /** What happened this time. */
  readonly detail: string;
  /** The RPC code, such as `NOT_FOUND`. */
  readonly code: CodeName;
  /** What went wrong, for programs, such as `CONCERT_NOT_FOUND`; the code if that is all that is known. */
  readonly reason: ReasonName | CodeName;
  readonly metadata: Readonly<Record<string, string>>;
  readonly violations?: readonly Violation[];
  /** Sent as the header Retry-After, not in the body. */
  readonly retryAfterSeconds?: number;
}

type ProblemInit = Pick<Problem, "code" | "reason" | "detail"> &
  Partial<Pick<Problem, "metadata">> & {
    readonly violations?: Problem["violations"] | undefined;
    readonly retryAfterSeconds?: number | undefined;
  };

/** Makes a problem of its parts; `type` and `title` follow from the reason. */
export function problem(status: number, init: ProblemInit): Problem {
  const words = init.reason.toLowerCase().split("_");
  const title = words.join(" ");
  return {
    type: `urn:frontrow:problem:${words.join("-")}`,
    title: title.charAt(0).toUpperCase() + title.slice(1),
    status,
    detail: shortMessage(init.detail),
    code: init.code,
    reason: init.reason,
    metadata: init.metadata ?? {},
    ...(init.violations === undefined ? {} : { violations: init.violations }),
    ...(init.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: init.retryAfterSeconds }),
  };
}

/** A problem on its way to the client, found before any handler ran. */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  readonly problem: Problem;
  readonly headers: Readonly<Record<string, string>>;

  constructor(value: Problem, headers: Readonly<Record<string, string>> = {}) {
    super(value.detail);
    this.problem = value;
    this.headers = headers;
  }
}

/** HTTP's status for each RPC code, as google/rpc/code.proto maps them. */
const statusOfCode: Readonly<Record<CodeName, number>> = {
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
  return httpStatuses.length > 0 ? httpStatuses : codesOf(reason).map((code) => statusOfCode[codeName(code)]);
}

/** The HTTP status of an error in REST. */
export function httpStatusOf({ code, reason, httpStatus }: Pick<Status, "code" | "reason" | "httpStatus">): number {
  return httpStatus ?? describeReason(reason).httpStatuses[0] ?? statusOfCode[codeName(code)];
}

/** Renders a status for REST. */
export function problemOf(status: Status): Problem {
  const { code, reason, message, metadata, violations, retryMs } = status;
  return problem(httpStatusOf(status), {
    code: codeName(code),
    reason,
    detail: message,
    metadata,
    violations,
    retryAfterSeconds: retryMs === undefined ? undefined : Math.ceil(retryMs / 1_000),
  });
}

/** Codes of the unexpected: their text was not written for clients. */
const unexpectedCodes: ReadonlySet<CodeName> = new Set(["UNKNOWN", "INTERNAL", "DATA_LOSS"]);

const internalProblem = problemOf(internalStatus);

/** Turns what a handler or an interceptor threw into a problem. What was not meant for clients becomes INTERNAL. */
export function problemFromError(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem;
  // Of a request that never became a call.
  if (error instanceof DomainError) return problemOf(statusFor(error.failure, { repeatable: false }));
  if (!(error instanceof ConnectError)) return internalProblem;
  const status = statusOf(error);
  if (status !== undefined) return problemOf(status);
  const code = codeName(error.code);
  if (unexpectedCodes.has(code)) return internalProblem;
  return problem(statusOfCode[code], { code, reason: code, detail: error.rawMessage });
}

/** The status of what is refused before it reaches a method. */
export function refusal(reason: ReasonName, message: string): Status {
  return { code: codeOf(reason), reason, message, metadata: {} };
}

/** What a read is refused with whose If-Match names other content. */
export const preconditionFailed = refusal(
  "PRECONDITION_FAILED",
  "the header If-Match does not name what is at this path",
);

/** What HTTP itself calls for, rather than a method, by its status. */
const refusals: ReadonlyMap<number, Status> = new Map(
  [
    refusal("INVALID_REQUEST", "the request is malformed"),
    refusal("ROUTE_NOT_FOUND", "there is nothing at this path"),
    refusal("METHOD_NOT_ALLOWED", "this path does not take this method"),
    refusal("REQUEST_TIMEOUT", "the request took too long to arrive"),
    preconditionFailed,
    refusal("REQUEST_TOO_LARGE", "the request body is too large"),
    refusal("UNSUPPORTED_MEDIA_TYPE", "the body must be JSON, sent with Content-Type: application/json"),
    refusal("EXPECTATION_FAILED", "the header Expect may be 100-continue only"),
    refusal("HEADERS_TOO_LARGE", "the request headers are too large"),
    refusal("TRANSFER_ENCODING_NOT_SUPPORTED", "of the transfer codings only chunked is supported"),
    refusal("HTTP_VERSION_NOT_SUPPORTED", "a call that streams both ways needs HTTP/2"),
  ].map((status) => [httpStatusOf(status), status]),
);

/** The problem of a status that HTTP itself calls for, rather than a method; `detail` replaces the usual sentence. */
export function problemOfStatus(status: number, detail?: string): Problem {
  const usual = refusals.get(status);
  if (usual === undefined) return internalProblem;
  return problemOf(detail === undefined ? usual : { ...usual, message: detail });
}

/** The problem of a path that nothing answers. */
export function routeNotFound(path: string): Problem {
  return problemOfStatus(404, `there is nothing at ${shortValue(path)}`);
}

/** Turns what Fastify raises (its own errors have a status) or a plugin throws into a problem, and anything else too. */
export function problemFromFastifyError(error: unknown): Problem {
  if (error instanceof ProblemError || error instanceof ConnectError || !(error instanceof Error)) {
    return problemFromError(error);
  }
  const { statusCode, code } = error as Error & { statusCode?: unknown; code?: unknown };
  if (typeof statusCode !== "number") return internalProblem;
  return problemOfStatus(statusCode, code === "FST_ERR_BAD_URL" ? "the path is not percent-encoded UTF-8" : undefined);
}

/** Answers with the problem, or with its code to a client that reads nothing but a gRPC status. */
export function sendProblem(
  reply: FastifyReply,
  value: Problem,
  headers: Readonly<Record<string, string>> = {},
): FastifyReply {
  // What is of no known type is not to be answered in that type (gRPC over HTTP/2, "Requests").
  if (value.status !== 415 && readsGrpcStatus(reply.request)) {
    refuseGrpc(reply, errorOfProblem(value));
    return reply;
  }
  const { retryAfterSeconds, ...body } = value;
  if (retryAfterSeconds !== undefined) reply.header("retry-after", String(retryAfterSeconds));
  return (
    reply
      .code(value.status)
      .headers(headers)
      // Hooks do not run for every refusal.
      .header("x-content-type-options", "nosniff")
      // A shared cache would keep a 404 of a concert that is created meanwhile.
      .header("cache-control", "no-store")
      .type("application/problem+json")
      .send(JSON.stringify(body))
  );
}
