import { durationMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { DomainError, type Failure, type Reason } from "../domain/failure.ts";
import { bookingIdOf, concertIdOf } from "../domain/ids.ts";
import { describeReason, ErrorOrigin, RetryDelay, reasonsFrom } from "./reasons.ts";
import { connectErrorFor, connectErrorOf, internalError, type Status, statusFor, statusOf } from "./status.ts";

const instant = Temporal.Instant.from("2030-05-01T10:00:00Z");
const violations = [{ field: "page_size", message: "must be at most 100" }];
/** Failures of the reasons that any method has, and of some methods. The others are in the files of test/methods. */
const failures: { readonly [R in Reason]?: readonly Extract<Failure, { reason: R }>[] } = {
  INVALID_REQUEST: [{ reason: "INVALID_REQUEST", violations }],
  INVALID_PAGE_TOKEN: [{ reason: "INVALID_PAGE_TOKEN" }],
  REQUEST_ID_REUSED: [{ reason: "REQUEST_ID_REUSED" }],
  CONCERT_NOT_FOUND: [{ reason: "CONCERT_NOT_FOUND", concertId: concertIdOf(1n) }],
  BOOKING_NOT_FOUND: [{ reason: "BOOKING_NOT_FOUND", bookingId: bookingIdOf(1n) }],
  BOOKING_NOT_OPEN: [{ reason: "BOOKING_NOT_OPEN", opensAt: instant, closesAt: instant, now: instant }],
  TICKET_LIMIT_EXCEEDED: [{ reason: "TICKET_LIMIT_EXCEEDED", limit: 4 }],
  INSUFFICIENT_TICKETS: [{ reason: "INSUFFICIENT_TICKETS", available: 3 }],
  ALREADY_CANCELLED: [{ reason: "ALREADY_CANCELLED", bookingId: bookingIdOf(1n) }],
  NOT_BOOKING_OWNER: [{ reason: "NOT_BOOKING_OWNER", bookingId: bookingIdOf(1n) }],
  UNAUTHENTICATED: [{ reason: "UNAUTHENTICATED", problem: "the token has expired" }],
  KEYS_UNAVAILABLE: [{ reason: "KEYS_UNAVAILABLE", retryDelayMs: 2_000 }],
  MISSING_SCOPE: [{ reason: "MISSING_SCOPE", scope: "bookings:read" }],
  TOTAL_BELOW_SOLD: [{ reason: "TOTAL_BELOW_SOLD", held: 1, sold: 2 }],
  VERSION_MISMATCH: [
    { reason: "VERSION_MISMATCH", currentVersion: 2 },
    { reason: "VERSION_MISMATCH", currentVersion: 2, header: "If-Match" },
  ],
  RATE_LIMITED: [{ reason: "RATE_LIMITED", problem: "at most 3 calls a minute", retryDelayMs: 2_000 }],
  OVERLOADED: [{ reason: "OVERLOADED", retryDelayMs: 2_000 }],
  DATABASE_UNAVAILABLE: [{ reason: "DATABASE_UNAVAILABLE", retryDelayMs: 2_000 }],
  OUTCOME_UNKNOWN: [{ reason: "OUTCOME_UNKNOWN" }],
  DEADLINE_EXCEEDED: [true, false].map((begun) => ({ reason: "DEADLINE_EXCEEDED", begun })),
  STREAM_EXPIRED: [{ reason: "STREAM_EXPIRED", retryDelayMs: 1_000 }],
  SHUTTING_DOWN: [true, false].map((begun) => ({ reason: "SHUTTING_DOWN", begun, retryDelayMs: 2_000 })),
};
const cases = Object.values(failures)
  .flat()
  .flatMap((failure) => [true, false].map((repeatable) => ({ failure, repeatable })));

describe.each(cases)("$failure, repeatable: $repeatable", ({ failure, repeatable }) => {
  const status = statusFor(failure, { repeatable });
  const described = describeReason(failure.reason);

  test("has what the schema says of its reason", () => {
    expect(status.reason).toBe(failure.reason);
    expect(described.codes).toContain(status.code);
    expect(Object.keys(status.metadata)).toEqual(described.metadata);
    if (status.httpStatus !== undefined) expect(described.httpStatuses).toContain(status.httpStatus);
    const mayBeStored = failure.reason === "OUTCOME_UNKNOWN" || ("begun" in failure && failure.begun);
    const isSafe = repeatable || !mayBeStored;
    const hasDelay = { [RetryDelay.UNSPECIFIED]: false, [RetryDelay.ALWAYS]: true, [RetryDelay.IF_SAFE]: isSafe };
    expect(status.retryMs !== undefined).toBe(hasDelay[described.retryDelay as keyof typeof hasDelay]);
  });

  test("is rendered to a ConnectError that carries it as a value", () => {
    const domainError = new DomainError(failure);
    const error = connectErrorFor(domainError, { repeatable });
    expect(statusOf(error)).toEqual(status);
    expect(error).toMatchObject({ code: status.code, rawMessage: status.message, cause: domainError });
    const { reason, metadata } = status;
    expect(error.findDetails(ErrorInfoSchema)).toMatchObject([{ domain: "frontrow", reason, metadata }]);
  });
});

test("a request of an idempotent method has no request_id to repeat", () => {
  const { code, message } = statusFor({ reason: "OUTCOME_UNKNOWN" }, { repeatable: true, isIdempotent: true });
  expect([code, message]).toEqual([Code.Unavailable, "the request may have been stored; repeat it as it was"]);
});

test("a failure has each reason of the schema that any method or stream can answer", () => {
  const common = [...reasonsFrom(ErrorOrigin.ANY_METHOD), ...reasonsFrom(ErrorOrigin.STREAM)];
  expect([...Object.keys(failures), "INTERNAL"]).toEqual(expect.arrayContaining(common));
});

const plain: Status = { code: Code.Unavailable, reason: "OVERLOADED", message: "busy", metadata: {} };

test("a ConnectError has the delay of its status in RetryInfo, and in whole seconds in Retry-After", () => {
  const error = connectErrorOf({ ...plain, retryMs: 1_500 });
  expect(error.findDetails(RetryInfoSchema).map(({ retryDelay }) => retryDelay && durationMs(retryDelay))).toEqual([
    1_500,
  ]);
  expect(error.metadata.get("retry-after")).toBe("2");
  expect(connectErrorOf(plain).findDetails(RetryInfoSchema)).toEqual([]);
  expect(connectErrorOf(plain).metadata.get("retry-after")).toBeNull();
});

test("a ConnectError has the violations of its status in BadRequest, as far as they fit into gRPC's headers", () => {
  const violated = (count: number) =>
    connectErrorOf({
      ...plain,
      violations: Array.from({ length: count }, (_, i) => ({ field: `field_${i}`, message: "is wrong" })),
    }).findDetails(BadRequestSchema)[0]?.fieldViolations;
  expect(violated(1)).toMatchObject([{ field: "field_0", description: "is wrong" }]);
  expect(violated(1_000)?.length).toBeLessThan(100);
  expect(connectErrorOf(plain).findDetails(BadRequestSchema)).toEqual([]);
});

test("an unexpected error contains nothing of its cause", () => {
  const error = internalError(new Error("select * from secrets"));
  expect(error.rawMessage).toBe("internal error");
  expect(statusOf(error)).toEqual({ code: Code.Internal, reason: "INTERNAL", message: "internal error", metadata: {} });
});

test("a ConnectError that was not rendered from a status has none", () => {
  expect(statusOf(new ConnectError("no", Code.NotFound))).toBeUndefined();
});
