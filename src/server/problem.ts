/** Errors as REST clients see them: RFC 9457 `application/problem+json`. */
import { Code, ConnectError } from "@connectrpc/connect";
import type { FastifyReply } from "fastify";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { DomainError, type Violation } from "../domain/errors.ts";
import { shortMessage, shortValue } from "../domain/short-text.ts";
import { errorOfProblem, readsGrpcStatus, refuseGrpc } from "./grpc-refusal.ts";

export interface Problem {
  /** A URI that names the kind of problem: one for each reason. */
  readonly type: string;
  /** The reason in words, the same for every occurrence. */
  readonly title: string;
  readonly status: number;
  /** What happened this time. */
  readonly detail: string;
  /** The RPC code, such as `NOT_FOUND`. */
  readonly code: string;
  /** What went wrong, for programs, such as `CONCERT_NOT_FOUND`. */
  readonly reason: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly violations?: readonly Violation[];
  /** Sent as the header Retry-After, not in the body. */
  readonly retryAfterSeconds?: number;
}

type ProblemInit = Pick<Problem, "code" | "reason" | "detail" | "violations" | "retryAfterSeconds"> &
  Partial<Pick<Problem, "metadata">>;

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

/** The problem of a request that breaks the rules of its fields. An empty field name stands for the whole request. */
export function invalidRequest(violations: readonly Violation[]): ProblemError {
  const detail = violations.map(({ field, message }) => (field === "" ? message : `${field}: ${message}`)).join("; ");
  return new ProblemError(problem(400, { code: "INVALID_ARGUMENT", reason: "INVALID_REQUEST", detail, violations }));
}

/** HTTP's status for each RPC code, as google/rpc/code.proto maps them. */
const statusOfCode: Readonly<Record<Code, readonly [name: string, status: number]>> = {
  [Code.Canceled]: ["CANCELLED", 499],
  [Code.Unknown]: ["UNKNOWN", 500],
  [Code.InvalidArgument]: ["INVALID_ARGUMENT", 400],
  [Code.DeadlineExceeded]: ["DEADLINE_EXCEEDED", 504],
  [Code.NotFound]: ["NOT_FOUND", 404],
  [Code.AlreadyExists]: ["ALREADY_EXISTS", 409],
  [Code.PermissionDenied]: ["PERMISSION_DENIED", 403],
  [Code.ResourceExhausted]: ["RESOURCE_EXHAUSTED", 429],
  [Code.FailedPrecondition]: ["FAILED_PRECONDITION", 400],
  [Code.Aborted]: ["ABORTED", 409],
  [Code.OutOfRange]: ["OUT_OF_RANGE", 400],
  [Code.Unimplemented]: ["UNIMPLEMENTED", 501],
  [Code.Internal]: ["INTERNAL", 500],
  [Code.Unavailable]: ["UNAVAILABLE", 503],
  [Code.DataLoss]: ["DATA_LOSS", 500],
  [Code.Unauthenticated]: ["UNAUTHENTICATED", 401],
};

/** Codes of the unexpected: without an ErrorInfo, the text was not written for clients. */
const unexpectedCodes: ReadonlySet<Code> = new Set([Code.Unknown, Code.Internal, Code.DataLoss]);

const internalProblem = problem(500, { code: "INTERNAL", reason: "INTERNAL", detail: "internal error" });

/** Turns what a handler or an interceptor threw into a problem. What was not meant for clients becomes INTERNAL. */
export function problemFromError(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem;
  if (!(error instanceof ConnectError)) return internalProblem;
  const [info] = error.findDetails(ErrorInfoSchema);
  if (info === undefined && unexpectedCodes.has(error.code)) return internalProblem;
  const [code, usualStatus] = statusOfCode[error.code];
  const status = isPreconditionFailed(error) ? 412 : usualStatus;
  const [badRequest] = error.findDetails(BadRequestSchema);
  const [retry] = error.findDetails(RetryInfoSchema);
  const violations = badRequest?.fieldViolations.map(({ field, description }) => ({ field, message: description }));
  const delay = retry?.retryDelay;
  const retryAfterSeconds = delay && Number(delay.seconds) + Math.ceil(delay.nanos / 1e9);
  return problem(status, {
    code,
    reason: info?.reason || code,
    detail: error.rawMessage,
    metadata: info?.metadata ?? {},
    ...(violations === undefined ? {} : { violations }),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  });
}

/** Whether a header of the request decided, which RFC 9110 has a status for, and not what the request says. */
function isPreconditionFailed({ cause }: ConnectError): boolean {
  return cause instanceof DomainError && cause.failure.reason === "VERSION_MISMATCH" && !!cause.failure.header;
}

/** What is refused before it reaches a method, by status. */
const refusals: Readonly<Record<number, ProblemInit>> = {
  400: { code: "INVALID_ARGUMENT", reason: "INVALID_REQUEST", detail: "the request is malformed" },
  404: { code: "NOT_FOUND", reason: "ROUTE_NOT_FOUND", detail: "there is nothing at this path" },
  405: { code: "UNIMPLEMENTED", reason: "METHOD_NOT_ALLOWED", detail: "this path does not take this method" },
  408: { code: "DEADLINE_EXCEEDED", reason: "REQUEST_TIMEOUT", detail: "the request took too long to arrive" },
  412: {
    code: "FAILED_PRECONDITION",
    reason: "PRECONDITION_FAILED",
    detail: "the header If-Match does not name what is at this path",
  },
  413: { code: "RESOURCE_EXHAUSTED", reason: "REQUEST_TOO_LARGE", detail: "the request body is too large" },
  414: { code: "INVALID_ARGUMENT", reason: "PATH_TOO_LONG", detail: "the path is too long" },
  415: {
    code: "INVALID_ARGUMENT",
    reason: "UNSUPPORTED_MEDIA_TYPE",
    detail: "the body must be JSON, sent with Content-Type: application/json",
  },
  417: {
    code: "UNIMPLEMENTED",
    reason: "EXPECTATION_FAILED",
    detail: "the header Expect may be 100-continue only",
  },
  431: { code: "RESOURCE_EXHAUSTED", reason: "HEADERS_TOO_LARGE", detail: "the request headers are too large" },
  501: {
    code: "UNIMPLEMENTED",
    reason: "TRANSFER_ENCODING_NOT_SUPPORTED",
    detail: "of the transfer codings only chunked is supported",
  },
  503: { code: "UNAVAILABLE", reason: "OVERLOADED", detail: "the server is too busy to answer; repeat in a moment" },
};

/** The problem of a status that HTTP itself calls for, rather than a method; `detail` replaces the usual sentence. */
export function problemOfStatus(status: number, detail?: string): Problem {
  const refusal = refusals[status];
  if (refusal === undefined) return internalProblem;
  return problem(status, detail === undefined ? refusal : { ...refusal, detail });
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
