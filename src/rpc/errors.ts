import { create } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { DomainError, type Failure, type Reason, retryDelayMs, type Violation } from "../domain/errors.ts";
import { shortMessage, shortValue } from "../domain/short-text.ts";

/** The domain of every google.rpc.ErrorInfo that this service sends. */
export const errorDomain = "frontrow";

/** What the request tells of itself that an answer depends on. */
export interface CallFacts {
  /** Whether the caller sent a `request_id`, so that repeating the call is safe. */
  readonly repeatable: boolean;
  /** Whether its responses are a stream, which stores nothing. */
  readonly isStream?: boolean;
}

interface Answer {
  readonly code: Code;
  readonly message: string;
  readonly metadata?: Record<string, string>;
  readonly headers?: Record<string, string>;
}

type AnswerTable = {
  readonly [R in Reason]: (failure: Extract<Failure, { reason: R }>, facts: CallFacts) => Answer;
};

/** Every failure's code, sentence and metadata. The compiler refuses a failure that is missing here. */
const answers: AnswerTable = {
  INVALID_REQUEST: ({ violations }) => ({
    code: Code.InvalidArgument,
    message: violations.map(({ field, message }) => (field === "" ? message : `${field}: ${message}`)).join("; "),
  }),
  INVALID_PAGE_TOKEN: () => ({
    code: Code.InvalidArgument,
    message: "page_token is not one that this list with these filters has given; start again without it",
  }),
  REQUEST_ID_REUSED: () => ({
    code: Code.InvalidArgument,
    message: "this request_id was used before with other content; use a new one for a new request",
  }),
  CONCERT_NOT_FOUND: ({ concertId }) => ({ code: Code.NotFound, message: `there is no concert ${concertId}` }),
  BOOKING_NOT_FOUND: ({ bookingId }) => ({ code: Code.NotFound, message: `there is no booking ${bookingId}` }),
  BOOKING_NOT_OPEN: ({ opensAt, closesAt, now }) => ({
    code: Code.FailedPrecondition,
    message: `booking is open from ${opensAt} until before ${closesAt}; it is ${now}`,
    metadata: { opens_at: opensAt.toString(), closes_at: closesAt.toString(), now: now.toString() },
  }),
  TICKET_LIMIT_EXCEEDED: ({ limit }) => ({
    code: Code.FailedPrecondition,
    message: `one booking can hold at most ${limit} tickets`,
    metadata: { limit: String(limit) },
  }),
  INSUFFICIENT_TICKETS: ({ available }) => ({
    code: Code.FailedPrecondition,
    message: available === 0 ? "the concert is sold out" : `only ${available} tickets are left`,
    metadata: { available: String(available) },
  }),
  ALREADY_CANCELLED: ({ bookingId }) => ({
    code: Code.FailedPrecondition,
    message: `booking ${bookingId} is already cancelled`,
  }),
  NOT_BOOKING_OWNER: ({ bookingId }) => ({
    code: Code.PermissionDenied,
    message: `booking ${bookingId} belongs to another user`,
  }),
  UNAUTHENTICATED: ({ problem, isMissing }) => ({
    code: Code.Unauthenticated,
    message: problem,
    // RFC 6750, 3.1: a caller who has shown nothing is not told of an error.
    headers: {
      "www-authenticate": isMissing ? "Bearer" : `Bearer error="invalid_token", error_description="${problem}"`,
    },
  }),
  KEYS_UNAVAILABLE: () => ({
    code: Code.Unavailable,
    message: "tokens cannot be checked at the moment; nothing was stored, repeat in a moment",
  }),
  MISSING_SCOPE: ({ scope, isForOthers }) => ({
    code: Code.PermissionDenied,
    message: isForOthers
      ? `the request is for another user: a caller may act only for himself, unless the token has the scope ${scope}`
      : `this takes a token with the scope ${scope}`,
    metadata: { scope },
    headers: { "www-authenticate": `Bearer error="insufficient_scope", scope="${scope}"` },
  }),
  TOTAL_BELOW_SOLD: ({ sold }) => ({
    code: Code.FailedPrecondition,
    message: `total_tickets cannot fall below the ${sold} tickets sold`,
    metadata: { sold: String(sold) },
  }),
  VERSION_MISMATCH: ({ currentVersion, header }) => ({
    code: Code.Aborted,
    message: header
      ? `the header ${header} does not allow a change of version ${currentVersion} of the concert`
      : `the concert has been updated since: its version is ${currentVersion}; read it again and repeat`,
    metadata: { current_version: String(currentVersion) },
  }),
  RATE_LIMITED: ({ problem }) => ({ code: Code.ResourceExhausted, message: problem }),
  OVERLOADED: (_failure, { isStream }) => ({
    code: Code.Unavailable,
    message: isStream
      ? "the service has too many streams or requests; open the stream again in a moment"
      : "too many requests are waiting; nothing was stored, repeat in a moment",
  }),
  STREAM_EXPIRED: () => ({
    code: Code.Unavailable,
    message: "the stream has reached its longest duration; open it again",
  }),
  DATABASE_UNAVAILABLE: () => ({
    code: Code.Unavailable,
    message: "the database cannot be reached; nothing was stored, repeat in a moment",
  }),
  OUTCOME_UNKNOWN: (_failure, { repeatable }) =>
    repeatable
      ? { code: Code.Unavailable, message: "the request may have been stored; repeat it with the same request_id" }
      : { code: Code.Unknown, message: "the request may have been stored; look before repeating it" },
  DEADLINE_EXCEEDED: ({ begun }, { repeatable, isStream }) => ({
    code: Code.DeadlineExceeded,
    message: isStream
      ? "the deadline of the stream passed"
      : !begun
        ? "the deadline passed before the request began; nothing was stored"
        : repeatable
          ? "the deadline passed; the request may have been stored: repeat it with the same request_id"
          : "the deadline passed; the request may have been stored",
  }),
  SHUTTING_DOWN: ({ begun }, { repeatable, isStream }) => ({
    code: Code.Unavailable,
    message: isStream
      ? "the service is shutting down; open the stream again in a moment"
      : !begun
        ? "the service is shutting down; nothing was stored, repeat in a moment"
        : repeatable
          ? "the service is shutting down; the request may have been stored: repeat it with the same request_id"
          : "the service is shutting down; the request may have been stored: look before repeating it",
  }),
};

function answerFor<R extends Reason>(failure: Extract<Failure, { reason: R }>, facts: CallFacts): Answer {
  const answer: AnswerTable[R] = answers[failure.reason as R];
  return answer(failure, facts);
}

/** What the caller gets for a failure: code and sentence, with ErrorInfo, BadRequest and RetryInfo as they apply. */
export function connectErrorFor(error: DomainError, facts: CallFacts): ConnectError {
  const { failure } = error;
  const { code, message, metadata = {}, headers = {} } = answerFor(failure, facts);
  const result = reasonedError(code, failure.reason, message, metadata, error);
  for (const [name, value] of Object.entries(headers)) result.metadata.set(name, value);
  if (failure.reason === "INVALID_REQUEST") {
    const fieldViolations = fitting(failure.violations).map(({ field, message: description }) => ({
      field,
      description,
    }));
    result.details.push({ desc: BadRequestSchema, value: create(BadRequestSchema, { fieldViolations }) });
  }
  const delayMs = retryHintMs(failure, facts);
  if (delayMs !== undefined) {
    const retryDelay = durationFromMs(delayMs);
    result.details.push({ desc: RetryInfoSchema, value: create(RetryInfoSchema, { retryDelay }) });
    result.metadata.set("retry-after", String(Math.ceil(delayMs / 1_000)));
  }
  return result;
}

/**
 * The delay after which the client may repeat the request, if it may. The hint makes clients repeat by themselves: without a
 * key, a request that may have been stored could be stored twice.
 */
function retryHintMs(failure: Failure, { repeatable }: CallFacts): number | undefined {
  const mayBeStored = failure.reason === "OUTCOME_UNKNOWN" || ("begun" in failure && failure.begun);
  if (mayBeStored && !repeatable) return undefined;
  if ("retryDelayMs" in failure) return failure.retryDelayMs;
  return mayBeStored || failure.reason === "DEADLINE_EXCEEDED" ? retryDelayMs : undefined;
}

/**
 * The reason with which the calls under way are aborted at the end of a shutdown's grace period, and the answer to calls
 * that have stored nothing by then.
 */
export function shuttingDown(): ConnectError {
  const failure = { reason: "SHUTTING_DOWN", begun: false, retryDelayMs } as const;
  return connectErrorFor(new DomainError(failure), { repeatable: false });
}

/** gRPC sends them in headers, in base64. With the message and the other details they stay below 4,096 characters. */
const maxViolationBytes = 1_500;
/** What the encoding adds to a violation: three tags and lengths. */
const violationFrameBytes = 9;

/** The first violations, as many as an answer can hold, their texts shortened. */
function fitting(violations: readonly Violation[]): Violation[] {
  let room = maxViolationBytes;
  return violations
    .map(({ field, message }) => ({ field: shortValue(field), message: shortMessage(message) }))
    .filter(({ field, message }) => {
      room -= Buffer.byteLength(field) + Buffer.byteLength(message) + violationFrameBytes;
      return room >= 0;
    });
}

/** What the caller gets for an error nobody foresaw: that it happened, and nothing of what it was. */
export function internalError(cause: unknown): ConnectError {
  return reasonedError(Code.Internal, "INTERNAL", "internal error", {}, cause);
}

function reasonedError(
  code: Code,
  reason: string,
  message: string,
  metadata: Record<string, string>,
  cause: unknown,
): ConnectError {
  const info = create(ErrorInfoSchema, { domain: errorDomain, reason, metadata });
  return new ConnectError(shortMessage(message), code, undefined, [{ desc: ErrorInfoSchema, value: info }], cause);
}
