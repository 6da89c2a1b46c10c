/** The answers to failures, written by hand: what tests expect must not come from what they test. */
import { expect } from "vitest";
import { scenarios } from "../../methods/index.ts";
import type { CallExchange } from "../protocols/call-once.ts";
import type { Outcome, Protocol, Violation } from "../protocols/protocols.ts";
import { expectNoInsides } from "../wire/errors.ts";
import { type ErrorStatus, invalidArgument, permissionDenied } from "./scenario.ts";

interface ExpectedAnswer extends ErrorStatus {
  /** The delay of RetryInfo and Retry-After. */
  readonly retryDelayMs?: number;
}

const unavailable = { code: "UNAVAILABLE", status: 503, retryDelayMs: 1_000 };

/** The reasons that no method has for itself. OUTCOME_UNKNOWN has another answer where a repeat is not safe. */
const commonAnswers = {
  INVALID_REQUEST: invalidArgument,
  UNAUTHENTICATED: { code: "UNAUTHENTICATED", status: 401 },
  MISSING_SCOPE: permissionDenied,
  KEYS_UNAVAILABLE: unavailable,
  RATE_LIMITED: { code: "RESOURCE_EXHAUSTED", status: 429 },
  OVERLOADED: unavailable,
  DATABASE_UNAVAILABLE: unavailable,
  OUTCOME_UNKNOWN: unavailable,
  DEADLINE_EXCEEDED: { code: "DEADLINE_EXCEEDED", status: 504, retryDelayMs: 1_000 },
  STREAM_EXPIRED: unavailable,
  SHUTTING_DOWN: unavailable,
  INTERNAL: { code: "INTERNAL", status: 500 },
};

/** The answer to every reason: the common ones, and those that the scenarios expect. */
export const expectedAnswers: ReadonlyMap<string, ExpectedAnswer> = new Map<string, ExpectedAnswer>([
  ...scenarios.flatMap(({ refusals }) => refusals.map(({ reason, answer }) => [reason, answer] as const)),
  ...Object.entries(commonAnswers),
]);

export const outcomeUnknownWithoutKey: ExpectedAnswer = { code: "UNKNOWN", status: 500 };

/** Refusals of a caller rather than of a request, which the tests of permissions, keys and rate limits check. */
export const callerReasons = ["UNAUTHENTICATED", "MISSING_SCOPE", "KEYS_UNAVAILABLE", "RATE_LIMITED"] as const;

/** The reasons of streams. No method of the schema is one. */
export const streamReasons = ["STREAM_EXPIRED"] as const;

/** Failures of the service rather than of the request. */
export const troubles = [
  "OVERLOADED",
  "DATABASE_UNAVAILABLE",
  "OUTCOME_UNKNOWN",
  "DEADLINE_EXCEEDED",
  "SHUTTING_DOWN",
  "INTERNAL",
] as const;

export interface ExpectedRefusal {
  readonly reason: string;
  readonly message: string | RegExp;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly violations?: readonly Violation[];
  /** Whether the caller sent a request_id. */
  readonly repeatable?: boolean;
}

/** Fails unless the whole refusal is as expected and shows no internals of the service. */
export function expectRefusal(
  protocol: Protocol,
  { outcome, exchange }: { outcome: Outcome<unknown>; exchange: CallExchange | undefined },
  expected: ExpectedRefusal,
): void {
  const { reason, message, metadata = {}, violations = [], repeatable = true } = expected;
  const unsafe = reason === "OUTCOME_UNKNOWN" && !repeatable;
  const answer: ExpectedAnswer | undefined = unsafe ? outcomeUnknownWithoutKey : expectedAnswers.get(reason);
  if (!answer) throw new Error(`no test expects ${reason}`);
  const { code, status } = answer;
  // A hint to repeat is for what is safe to repeat.
  const mayBeStored = !outcome.ok && outcome.message.includes("may have been stored");
  const retryDelayMs = mayBeStored && !repeatable ? undefined : answer.retryDelayMs;
  const text = message instanceof RegExp ? expect.stringMatching(message) : message;
  expect(outcome).toEqual({ ok: false, code, reason, message: text, metadata, violations, retryDelayMs });
  expectNoInsides(JSON.stringify(outcome));
  if (!exchange) return;

  expectNoInsides(exchange.body);
  // gRPC-Web answers 200 and writes the error into the body's trailers, MCP into the result.
  const isInBody = protocol === "gRPC-Web" || (protocol === "MCP" && !isToolChallenge(reason, metadata));
  expect(exchange.status).toBe(isInBody ? 200 : status);
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

/** The scopes that a client of the tools asks its user for. */
export const toolScopes: readonly unknown[] = ["bookings:read", "bookings:write"];

/** Whether the HTTP response to a tool's call is a challenge: the client needs a token, or another one. */
export function isToolChallenge(reason: string, { scope }: Readonly<Record<string, unknown>> = {}): boolean {
  return reason === "UNAUTHENTICATED" || (reason === "MISSING_SCOPE" && toolScopes.includes(scope));
}
