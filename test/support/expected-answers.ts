/** What the plan says each failure is answered with, by hand: what tests expect must not come from what they test. */
import { expect } from "vitest";
import type { Reason } from "../../src/domain/failure.ts";
import type { Exchange } from "./exchange.ts";
import type { Outcome, Protocol, Refusal } from "./protocols.ts";

interface ExpectedAnswer {
  readonly code: string;
  /** HTTP's, of REST and of Connect. */
  readonly status: number;
  /** What RetryInfo and Retry-After say. */
  readonly retryDelayMs?: number;
}

const invalid = { code: "INVALID_ARGUMENT", status: 400 };
const notFound = { code: "NOT_FOUND", status: 404 };
const failedPrecondition = { code: "FAILED_PRECONDITION", status: 400 };
const unavailable = { code: "UNAVAILABLE", status: 503 };

/** Every reason; the compiler refuses one that is missing. OUTCOME_UNKNOWN has another answer if repeating is not safe. */
export const expectedAnswers: Readonly<Record<Reason | "INTERNAL", ExpectedAnswer>> = {
  INVALID_REQUEST: invalid,
  INVALID_PAGE_TOKEN: invalid,
  REQUEST_ID_REUSED: invalid,
  CONCERT_NOT_FOUND: notFound,
  BOOKING_NOT_FOUND: notFound,
  BOOKING_NOT_OPEN: failedPrecondition,
  TICKET_LIMIT_EXCEEDED: failedPrecondition,
  INSUFFICIENT_TICKETS: failedPrecondition,
  ALREADY_CANCELLED: failedPrecondition,
  TOTAL_BELOW_SOLD: failedPrecondition,
  UNAUTHENTICATED: { code: "UNAUTHENTICATED", status: 401 },
  MISSING_SCOPE: { code: "PERMISSION_DENIED", status: 403 },
  KEYS_UNAVAILABLE: { ...unavailable, retryDelayMs: 1_000 },
  RATE_LIMITED: { code: "RESOURCE_EXHAUSTED", status: 429 },
  NOT_BOOKING_OWNER: { code: "PERMISSION_DENIED", status: 403 },
  VERSION_MISMATCH: { code: "ABORTED", status: 409 },
  OVERLOADED: { ...unavailable, retryDelayMs: 1_000 },
  DATABASE_UNAVAILABLE: { ...unavailable, retryDelayMs: 1_000 },
  OUTCOME_UNKNOWN: { ...unavailable, retryDelayMs: 1_000 },
  DEADLINE_EXCEEDED: { code: "DEADLINE_EXCEEDED", status: 504, retryDelayMs: 1_000 },
  STREAM_EXPIRED: { ...unavailable, retryDelayMs: 1_000 },
  SHUTTING_DOWN: { ...unavailable, retryDelayMs: 1_000 },
  INTERNAL: { code: "INTERNAL", status: 500 },
};

export const outcomeUnknownWithoutKey: ExpectedAnswer = { code: "UNKNOWN", status: 500 };

/**
 * Refusals of a caller rather than of a request: each needs a service that knows or counts its callers. The tests of
 * permissions, keys and rate limits have seen them from every method.
 */
export const callerReasons = ["UNAUTHENTICATED", "MISSING_SCOPE", "KEYS_UNAVAILABLE", "RATE_LIMITED"] as const;

/** The end of a stream: no method of the schema has one. */
export const streamReasons = ["STREAM_EXPIRED"] as const;

/** Failures of the service rather than of the request: each needs a service in trouble. */
export const troubles = [
  "OVERLOADED",
  "DATABASE_UNAVAILABLE",
  "OUTCOME_UNKNOWN",
  "DEADLINE_EXCEEDED",
  "SHUTTING_DOWN",
  "INTERNAL",
] as const;

export interface ExpectedRefusal {
  readonly reason: Reason | "INTERNAL";
  readonly message: string | RegExp;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly violations?: Refusal["violations"];
  /** Whether the caller sent a request_id. */
  readonly repeatable?: boolean;
}

/** Whatever the protocol, the whole refusal must be as expected, and tell nothing of the service's insides. */
export function expectRefusal(
  protocol: Protocol,
  { outcome, exchange }: { outcome: Outcome<unknown>; exchange: Exchange | undefined },
  expected: ExpectedRefusal,
): void {
  const { reason, message, metadata = {}, violations = [], repeatable = true } = expected;
  const unsafe = reason === "OUTCOME_UNKNOWN" && !repeatable;
  const answer = unsafe ? outcomeUnknownWithoutKey : expectedAnswers[reason];
  const { code, status } = answer;
  // A hint to repeat is for what is safe to repeat.
  const mayBeStored = !outcome.ok && outcome.message.includes("may have been stored");
  const retryDelayMs = mayBeStored && !repeatable ? undefined : answer.retryDelayMs;
  const text = message instanceof RegExp ? expect.stringMatching(message) : message;
  expect(outcome).toEqual({ ok: false, code, reason, message: text, metadata, violations, retryDelayMs });
  expectNoInsides(JSON.stringify(outcome));
  if (!exchange) return;

  expectNoInsides(exchange.body);
  // gRPC-Web answers 200 and puts what went wrong into the body's trailers.
  expect(exchange.status).toBe(protocol === "gRPC-Web" ? 200 : status);
  if (protocol !== "REST") return;
  expect(exchange.headers.get("content-type")).toBe("application/problem+json; charset=utf-8");
  expect(exchange.headers.get("retry-after")).toBe(retryDelayMs === undefined ? null : String(retryDelayMs / 1_000));
  expect(JSON.parse(exchange.body)).toEqual({
    type: `urn:frontrow:problem:${reason.toLowerCase().replaceAll("_", "-")}`,
    title: expect.stringMatching(/^[A-Z][a-z ]+$/),
    status,
    detail: text,
    code,
    reason,
    metadata,
    ...(reason === "INVALID_REQUEST" ? { violations } : {}),
  });
}

const insides = [
  // SQL, and the names that PostgreSQL and its errors use.
  /\b(?:select|insert into|delete from|returning|for update|rollback|relation|column|constraint|pg_\w+|postgres\w*)\b/i,
  /\b(?:sqlstate|ECONN\w+|ENO\w+|EPIPE)\b|127\.0\.0\.1|localhost/,
  // Stacks and files.
  /\bat .*:\d+:\d+|\.[cm]?[jt]s\b|node_modules|node:|\/(?:src|home|tmp|usr|work)\//,
];

function expectNoInsides(text: string): void {
  for (const pattern of insides) expect(text).not.toMatch(pattern);
}
