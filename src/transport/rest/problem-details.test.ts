import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { DomainError, type Failure } from "../../domain/failure.ts";
import { ErrorOrigin, type ReasonName, reasonsFrom } from "../../rpc/reasons.ts";
import { connectErrorFor } from "../../rpc/status.ts";
import { httpStatusesOf, refusal } from "../http-errors.ts";
import { problemOf, problemOfError } from "./problem-details.ts";

const errorOf = (failure: Failure, repeatable = false) => connectErrorFor(new DomainError(failure), { repeatable });

describe("the problem of an error", () => {
  test("renders the status of an error", () => {
    const error = errorOf({ reason: "INSUFFICIENT_TICKETS", available: 3 });
    // The details are for other protocols.
    error.details = [];
    expect(problemOfError(error)).toEqual({
      type: "urn:frontrow:problem:insufficient-tickets",
      title: "Insufficient tickets",
      status: 400,
      code: "FAILED_PRECONDITION",
      reason: "INSUFFICIENT_TICKETS",
      detail: "only 3 tickets are left",
      metadata: { available: "3" },
    });
  });

  test("renders violations", () => {
    const violations = [{ field: "ticket_count", message: "must be at most 10" }];
    expect(problemOfError(errorOf({ reason: "INVALID_REQUEST", violations }))).toMatchObject({
      status: 400,
      detail: "ticket_count: must be at most 10",
      violations,
    });
  });

  test.each([
    [undefined, 409],
    ["If-Match", 412],
  ] as const)("a version that does not match %s is HTTP %i", (header, status) => {
    const failure = { reason: "VERSION_MISMATCH", currentVersion: 2, ...(header && { header }) } as const;
    expect(problemOfError(errorOf(failure))).toMatchObject({ status, code: "ABORTED" });
  });

  test.each([
    [Code.Canceled, 499, "CANCELLED"],
    [Code.InvalidArgument, 400, "INVALID_ARGUMENT"],
    [Code.DeadlineExceeded, 504, "DEADLINE_EXCEEDED"],
    [Code.NotFound, 404, "NOT_FOUND"],
    [Code.AlreadyExists, 409, "ALREADY_EXISTS"],
    [Code.PermissionDenied, 403, "PERMISSION_DENIED"],
    [Code.ResourceExhausted, 429, "RESOURCE_EXHAUSTED"],
    [Code.FailedPrecondition, 400, "FAILED_PRECONDITION"],
    [Code.Aborted, 409, "ABORTED"],
    [Code.OutOfRange, 400, "OUT_OF_RANGE"],
    [Code.Unimplemented, 501, "UNIMPLEMENTED"],
    [Code.Unavailable, 503, "UNAVAILABLE"],
    [Code.Unauthenticated, 401, "UNAUTHENTICATED"],
  ])("code %s is HTTP %s; without a status the code is the reason", (code, status, name) => {
    expect(problemOfError(new ConnectError("why", code))).toMatchObject({
      status,
      code: name,
      reason: name,
      detail: "why",
    });
  });

  test.each([
    new Error("select * from secrets"),
    "secret",
    undefined,
    new ConnectError("secret", Code.Internal),
    new ConnectError("secret", Code.Unknown),
    new ConnectError("secret", Code.DataLoss),
  ])("does not show the text of an unexpected error: %s", (error) => {
    expect(problemOfError(error)).toMatchObject({ status: 500, code: "INTERNAL", detail: "internal error" });
  });

  test.each([
    [true, 503, "UNAVAILABLE"],
    [false, 500, "UNKNOWN"],
  ])("an unknown outcome is not INTERNAL; repeatable: %s", (repeatable, status, code) => {
    const error = errorOf({ reason: "OUTCOME_UNKNOWN" }, repeatable);
    expect(problemOfError(error)).toMatchObject({ status, code, reason: "OUTCOME_UNKNOWN" });
  });
});

/** What is refused before a method, by hand. */
const refusals: readonly (readonly [ReasonName, status: number, code: string])[] = [
  ["ROUTE_NOT_FOUND", 404, "NOT_FOUND"],
  ["METHOD_NOT_ALLOWED", 405, "UNIMPLEMENTED"],
  ["REQUEST_TIMEOUT", 408, "DEADLINE_EXCEEDED"],
  ["PRECONDITION_FAILED", 412, "FAILED_PRECONDITION"],
  ["REQUEST_TOO_LARGE", 413, "RESOURCE_EXHAUSTED"],
  ["UNSUPPORTED_MEDIA_TYPE", 415, "INVALID_ARGUMENT"],
  ["EXPECTATION_FAILED", 417, "UNIMPLEMENTED"],
  ["HEADERS_TOO_LARGE", 431, "RESOURCE_EXHAUSTED"],
  ["TRANSFER_ENCODING_NOT_SUPPORTED", 501, "UNIMPLEMENTED"],
  ["HTTP_VERSION_NOT_SUPPORTED", 505, "UNIMPLEMENTED"],
  ["HOST_NOT_ALLOWED", 403, "PERMISSION_DENIED"],
  ["ORIGIN_NOT_ALLOWED", 403, "PERMISSION_DENIED"],
];

describe("a refusal before a method", () => {
  test.each(refusals)("for %s is HTTP %i with the code %s", (reason, status, code) => {
    expect(problemOf(refusal(reason, "why"))).toMatchObject({ status, code, reason, detail: "why", metadata: {} });
    expect(httpStatusesOf(reason)).toEqual([status]);
  });

  test("has a reason of the schema, and every such reason is here", () => {
    expect(refusals.map(([reason]) => reason).sort()).toEqual([...reasonsFrom(ErrorOrigin.TRANSPORT)].sort());
  });
});

test("all violations of a request that never became a call are in one sentence", () => {
  const violations = [
    { field: "", message: "the body is bad" },
    { field: "id", message: "must be a whole number" },
  ];
  expect(problemOfError(new DomainError({ reason: "INVALID_REQUEST", violations }))).toMatchObject({
    status: 400,
    detail: "the body is bad; id: must be a whole number",
    violations,
  });
});

describe("the problem of an error of Fastify", () => {
  const fastifyError = (statusCode: number, code: string) =>
    Object.assign(new Error("Fastify's words"), { statusCode, code });
  test.each([
    [413, "FST_ERR_CTP_BODY_TOO_LARGE", "RESOURCE_EXHAUSTED", "REQUEST_TOO_LARGE"],
    [415, "FST_ERR_CTP_INVALID_MEDIA_TYPE", "INVALID_ARGUMENT", "UNSUPPORTED_MEDIA_TYPE"],
    [400, "FST_ERR_CTP_INVALID_CONTENT_LENGTH", "INVALID_ARGUMENT", "INVALID_REQUEST"],
    [400, "FST_ERR_BAD_URL", "INVALID_ARGUMENT", "INVALID_REQUEST"],
    [404, "FST_ERR_NOT_FOUND", "NOT_FOUND", "ROUTE_NOT_FOUND"],
    [500, "FST_ERR_BAD_STATUS_CODE", "INTERNAL", "INTERNAL"],
  ])("%s %s", (status, fastifyCode, code, reason) => {
    const result = problemOfError(fastifyError(status, fastifyCode));
    expect(result).toMatchObject({ status, code, reason });
    expect(result.detail).not.toContain("Fastify");
  });

  test("anything else is INTERNAL", () => {
    expect(problemOfError(new Error("secret"))).toMatchObject({ status: 500, detail: "internal error" });
    expect(problemOfError(new ConnectError("no", Code.NotFound))).toMatchObject({ status: 404 });
  });
});
