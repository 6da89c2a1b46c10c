/**
 * What clients get for each failure. A failure becomes a status: a value with everything that an error response needs. Each
 * protocol renders it: `connectErrorOf` for gRPC, gRPC-Web and Connect, `problemOf` in rest/problem-details.ts for REST.
 */
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import type { BookingStatus } from "../domain/booking.ts";
import { DomainError, type Failure, type Reason, retryDelayMs, type Violation } from "../domain/failure.ts";
import { shortMessage, shortValue } from "../domain/short-text.ts";
import { codeOf, describeReason, type ReasonName, RetryDelay } from "./reasons.ts";

/** The domain of every google.rpc.ErrorInfo that this service sends. */
export const errorDomain = "frontrow";

/** An error as clients see it, in every protocol. */
export interface Status {
  readonly code: Code;
  readonly reason: ReasonName;
  /** Of bounded length. */
  readonly message: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** The invalid fields, if the reason is INVALID_REQUEST. */
  readonly violations?: readonly Violation[] | undefined;
  /** The delay after which to repeat the request. */
  readonly retryMs?: number | undefined;
  /** The HTTP status in REST, if it is not the reason's usual one. */
  readonly httpStatus?: number | undefined;
  /** Headers that explain the error, such as WWW-Authenticate. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** The properties of a request that its error depends on. */
interface CallFacts {
  /** Whether repeating the request is safe: it has a `request_id`, or its method is idempotent. */
  readonly repeatable: boolean;
  readonly isIdempotent?: boolean;
  /** Whether the responses are a stream, which stores nothing. */
  readonly isStream?: boolean;
}

/** What the failure itself adds to its status. The default code is the reason's first one in the schema. */
type Particulars = Pick<Status, "message" | "httpStatus" | "headers"> & Partial<Pick<Status, "code" | "metadata">>;

type StatusTable = {
  readonly [R in Reason]: (failure: Extract<Failure, { reason: R }>, facts: CallFacts) => Particulars;
};

/** What the schema does not declare for each reason. The compiler rejects a table without one of them. */
const statuses: StatusTable = {
  INVALID_REQUEST: ({ violations }) => ({
    message: violations.map(({ field, message }) => (field === "" ? message : `${field}: ${message}`)).join("; "),
  }),
  INVALID_PAGE_TOKEN: () => ({
    message: "page_token is not one that this list with these filters has given; start again without it",
  }),
  REQUEST_ID_REUSED: () => ({
    message: "this request_id was used before with other content; use a new one for a new request",
  }),
  CONCERT_NOT_FOUND: ({ concertId }) => ({ message: `there is no concert ${concertId}` }),
  BOOKING_NOT_FOUND: ({ bookingId }) => ({ message: `there is no booking ${bookingId}` }),
  BOOKING_NOT_OPEN: ({ opensAt, closesAt, now }) => ({
    message: `booking is open from ${opensAt} until before ${closesAt}; it is ${now}`,
    metadata: { opens_at: opensAt.toString(), closes_at: closesAt.toString(), now: now.toString() },
  }),
  TICKET_LIMIT_EXCEEDED: ({ limit }) => ({
    message: `one booking can hold at most ${limit} tickets`,
    metadata: { limit: String(limit) },
  }),
  INSUFFICIENT_TICKETS: ({ available }) => ({
    message: leftover(available),
    metadata: { available: String(available) },
  }),
  ALREADY_CANCELLED: ({ bookingId }) => ({ message: `booking ${bookingId} is already cancelled` }),
  NOT_BOOKING_OWNER: ({ bookingId }) => ({ message: `booking ${bookingId} belongs to another user` }),
  HOLD_EXPIRED: ({ expiredAt, available }) => ({
    message: `the hold lived until ${expiredAt}; the concert has ${numberOf(available, "ticket")} left`,
    metadata: { expired_at: expiredAt.toString(), available: String(available) },
  }),
  ALREADY_CONFIRMED: ({ bookingId }) => ({ message: `booking ${bookingId} is already confirmed` }),
  NOT_HELD: ({ bookingId, status }) => ({
    message: `booking ${bookingId} is no hold any more: it is ${status}`,
    metadata: { status: statusName(status) },
  }),
  NOT_CONFIRMED: ({ bookingId, status }) => ({
    message: `booking ${bookingId} cannot be cancelled: it is ${status}`,
    metadata: { status: statusName(status) },
  }),
  MORE_THAN_HELD: ({ held }) => ({
    message: `the hold has only ${numberOf(held, "ticket")}`,
    metadata: { held: String(held) },
  }),
  HOLD_LIMIT_EXCEEDED: ({ limit }) => ({
    message: `one user can have at most ${numberOf(limit, "hold")} of the concert; confirm or release one first`,
    metadata: { limit: String(limit) },
  }),
  USER_LIMIT_EXCEEDED: ({ limit, booked, held }) => ({
    message: `one user can have at most ${numberOf(limit, "ticket")} of the concert; this one has booked ${booked} and holds ${held}`,
    metadata: { limit: String(limit), booked: String(booked), held: String(held) },
  }),
  PAYMENT_REQUIRED: () => ({
    message: "the concert requires payment: hold its tickets by HoldTickets, then confirm the hold",
  }),
  UNAUTHENTICATED: ({ problem, isMissing }) => ({
    message: problem,
    // RFC 6750, 3.1: without a token there is no error code.
    headers: {
      "www-authenticate": isMissing ? "Bearer" : `Bearer error="invalid_token", error_description="${problem}"`,
    },
  }),
  KEYS_UNAVAILABLE: () => ({
    message: "tokens cannot be checked at the moment; nothing was stored, repeat in a moment",
  }),
  MISSING_SCOPE: ({ scope, isForOthers }) => ({
    message: isForOthers
      ? `the request is for another user: a caller may act only for itself, unless the token has the scope ${scope}`
      : `this takes a token with the scope ${scope}`,
    metadata: { scope },
    headers: { "www-authenticate": `Bearer error="insufficient_scope", scope="${scope}"` },
  }),
  TOTAL_BELOW_SOLD: ({ sold, held }) => ({
    message: `total_tickets cannot fall below the tickets sold (${sold}) and held (${held})`,
    metadata: { sold: String(sold), held: String(held) },
  }),
  VERSION_MISMATCH: ({ currentVersion, header }) => ({
    message: header
      ? `the header ${header} does not allow a change of version ${currentVersion} of the concert`
      : `the concert has been updated since: its version is ${currentVersion}; read it again and repeat`,
    metadata: { current_version: String(currentVersion) },
    // RFC 9110 has a status for a precondition in the headers.
    ...(header && { httpStatus: 412 }),
  }),
  RATE_LIMITED: ({ problem }) => ({ message: problem }),
  OVERLOADED: (_failure, { isStream }) => ({
    message: isStream
      ? "the service has too many streams or requests; open the stream again in a moment"
      : "too many requests are waiting; nothing was stored, repeat in a moment",
  }),
  STREAM_EXPIRED: () => ({
    message: "the stream has reached its longest duration; open it again",
  }),
  DATABASE_UNAVAILABLE: () => ({
    message: "the database cannot be reached; nothing was stored, repeat in a moment",
  }),
  OUTCOME_UNKNOWN: (_failure, facts) =>
    facts.repeatable
      ? { message: `the request may have been stored; ${howToRepeat(facts)}` }
      : { code: Code.Unknown, message: "the request may have been stored; look before repeating it" },
  DEADLINE_EXCEEDED: ({ begun }, { repeatable, isStream, ...facts }) => ({
    message: isStream
      ? "the deadline of the stream passed"
      : !begun
        ? "the deadline passed before the request began; nothing was stored"
        : repeatable
          ? `the deadline passed; the request may have been stored: ${howToRepeat(facts)}`
          : "the deadline passed; the request may have been stored",
  }),
  SHUTTING_DOWN: ({ begun }, { repeatable, isStream, ...facts }) => ({
    message: isStream
      ? "the service is shutting down; open the stream again in a moment"
      : !begun
        ? "the service is shutting down; nothing was stored, repeat in a moment"
        : repeatable
          ? `the service is shutting down; the request may have been stored: ${howToRepeat(facts)}`
          : "the service is shutting down; the request may have been stored: look before repeating it",
  }),
};

function howToRepeat({ isIdempotent }: Pick<CallFacts, "isIdempotent">): string {
  return isIdempotent ? "repeat it as it was" : "repeat it with the same request_id";
}

function leftover(available: number): string {
  if (available === 0) return "the concert is sold out";
  return available === 1 ? "only 1 ticket is left" : `only ${available} tickets are left`;
}

function numberOf(count: number, what: string): string {
  return count === 1 ? `1 ${what}` : `${count} ${what}s`;
}

/** A booking's status as the schema names it. */
function statusName(status: BookingStatus): string {
  return `BOOKING_STATUS_${status.toUpperCase()}`;
}

function particularsOf<R extends Reason>(failure: Extract<Failure, { reason: R }>, facts: CallFacts): Particulars {
  const particulars: StatusTable[R] = statuses[failure.reason as R];
  return particulars(failure, facts);
}

/** The status of a failure. */
export function statusFor(failure: Failure, facts: CallFacts): Status {
  const { reason } = failure;
  const { message, ...particulars } = particularsOf(failure, facts);
  return {
    code: codeOf(reason),
    reason,
    message: shortMessage(message),
    metadata: {},
    ...particulars,
    violations: reason === "INVALID_REQUEST" ? failure.violations : undefined,
    retryMs: retryMsFor(failure, facts),
  };
}

/**
 * The delay after which the client may repeat the request. Client libraries follow this hint by themselves. A request that
 * may have been stored, and is not safe to repeat, gets none, because it could be stored twice.
 */
function retryMsFor(failure: Failure, { repeatable }: CallFacts): number | undefined {
  if (describeReason(failure.reason).retryDelay === RetryDelay.UNSPECIFIED) return undefined;
  const mayBeStored = failure.reason === "OUTCOME_UNKNOWN" || ("begun" in failure && failure.begun);
  if (mayBeStored && !repeatable) return undefined;
  return "retryDelayMs" in failure ? failure.retryDelayMs : retryDelayMs;
}

/** A ConnectError that carries its status, for protocols that do not write errors as Connect does. */
class StatusError extends ConnectError {
  readonly #status: Status;

  constructor(status: Status, cause: unknown) {
    super(status.message, status.code, status.headers, detailsOf(status), cause);
    this.#status = status;
    if (status.retryMs !== undefined) this.metadata.set("retry-after", String(Math.ceil(status.retryMs / 1_000)));
  }

  /** The status of an error. (Not by `instanceof`, which Connect makes true for every ConnectError.) */
  static statusOf(error: object): Status | undefined {
    return #status in error ? error.#status : undefined;
  }
}

/** Renders a status for gRPC, gRPC-Web and Connect, with ErrorInfo, BadRequest and RetryInfo as they apply. */
export function connectErrorOf(status: Status, cause?: unknown): ConnectError {
  return new StatusError(status, cause);
}

/** The status that a ConnectError was rendered from; undefined for one that Connect or a handler has created. */
export const { statusOf } = StatusError;

type Details = NonNullable<ConstructorParameters<typeof ConnectError>[3]>;

function detailsOf({ reason, metadata, violations, retryMs }: Status): Details {
  const details: Details = [{ desc: ErrorInfoSchema, value: { domain: errorDomain, reason, metadata } }];
  if (violations !== undefined) {
    const fieldViolations = fitting(violations).map(({ field, message: description }) => ({ field, description }));
    details.push({ desc: BadRequestSchema, value: { fieldViolations } });
  }
  if (retryMs !== undefined) details.push({ desc: RetryInfoSchema, value: { retryDelay: durationFromMs(retryMs) } });
  return details;
}

/** gRPC sends violations in headers, in base64. With the message and the other details they need under 4,096 characters. */
const maxViolationBytes = 1_500;
/** What the encoding adds to each violation: three tags and lengths. */
const violationFrameBytes = 9;

/** The first violations, as many as fit, with shortened texts. */
function fitting(violations: readonly Violation[]): Violation[] {
  let room = maxViolationBytes;
  return violations
    .map(({ field, message }) => ({ field: shortValue(field), message: shortMessage(message) }))
    .filter(({ field, message }) => {
      room -= Buffer.byteLength(field) + Buffer.byteLength(message) + violationFrameBytes;
      return room >= 0;
    });
}

/** The ConnectError of a domain error. */
export function connectErrorFor(error: DomainError, facts: CallFacts): ConnectError {
  return connectErrorOf(statusFor(error.failure, facts), error);
}

/**
 * The reason with which unfinished calls are aborted at the end of a shutdown's grace period, and the error of calls that have
 * stored nothing by then.
 */
export function shuttingDown(): ConnectError {
  const failure = { reason: "SHUTTING_DOWN", begun: false, retryDelayMs } as const;
  return connectErrorFor(new DomainError(failure), { repeatable: false });
}

/** The status of an unexpected error, which contains nothing of its cause. */
export const internalStatus: Status = {
  code: codeOf("INTERNAL"),
  reason: "INTERNAL",
  message: "internal error",
  metadata: {},
};

/** The ConnectError of an unexpected error. */
export function internalError(cause: unknown): ConnectError {
  return connectErrorOf(internalStatus, cause);
}
