import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { DomainError } from "../domain/errors.ts";
import { problem, problemFromError, problemFromFastifyError } from "./problem.ts";

const info = (reason: string, metadata: Record<string, string> = {}) => ({
  desc: ErrorInfoSchema,
  value: create(ErrorInfoSchema, { domain: "frontrow", reason, metadata }),
});

describe("problem", () => {
  test("has a type and a title for its reason", () => {
    expect(
      problem(400, { code: "FAILED_PRECONDITION", reason: "INSUFFICIENT_TICKETS", detail: "only 1 left" }),
    ).toEqual({
      type: "urn:frontrow:problem:insufficient-tickets",
      title: "Insufficient tickets",
      status: 400,
      detail: "only 1 left",
      code: "FAILED_PRECONDITION",
      reason: "INSUFFICIENT_TICKETS",
      metadata: {},
    });
  });
});

describe("problemFromError", () => {
  test("reads code, reason and metadata", () => {
    const error = new ConnectError("only 3 tickets are left", Code.FailedPrecondition, undefined, [
      info("INSUFFICIENT_TICKETS", { available: "3" }),
    ]);
    expect(problemFromError(error)).toMatchObject({
      status: 400,
      code: "FAILED_PRECONDITION",
      reason: "INSUFFICIENT_TICKETS",
      detail: "only 3 tickets are left",
      metadata: { available: "3" },
    });
  });

  test("reads violations and the delay before a retry, rounded up", () => {
    const fieldViolations = [{ field: "ticket_count", description: "must be at most 10" }];
    const retryDelay = { seconds: 1n, nanos: 1 };
    const error = new ConnectError("no", Code.Unavailable, undefined, [
      info("OVERLOADED"),
      { desc: BadRequestSchema, value: create(BadRequestSchema, { fieldViolations }) },
      { desc: RetryInfoSchema, value: create(RetryInfoSchema, { retryDelay }) },
    ]);
    expect(problemFromError(error)).toMatchObject({
      status: 503,
      violations: [{ field: "ticket_count", message: "must be at most 10" }],
      retryAfterSeconds: 2,
    });
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
  ])("code %s is HTTP %s; without an ErrorInfo the code is the reason", (code, status, name) => {
    expect(problemFromError(new ConnectError("why", code))).toMatchObject({
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
  ])("keeps the text of the unexpected to itself: %s", (error) => {
    expect(problemFromError(error)).toMatchObject({ status: 500, code: "INTERNAL", detail: "internal error" });
  });

  test("an unknown outcome says so", () => {
    const error = new ConnectError("look first", Code.Unknown, undefined, [info("OUTCOME_UNKNOWN")]);
    expect(problemFromError(error)).toMatchObject({ status: 500, code: "UNKNOWN", detail: "look first" });
  });
});

test("all violations of a request that never became a call are in one sentence", () => {
  const violations = [
    { field: "", message: "the body is bad" },
    { field: "id", message: "must be a whole number" },
  ];
  expect(problemFromError(new DomainError({ reason: "INVALID_REQUEST", violations }))).toMatchObject({
    status: 400,
    detail: "the body is bad; id: must be a whole number",
    violations,
  });
});

describe("problemFromFastifyError", () => {
  const fastifyError = (statusCode: number, code: string) =>
    Object.assign(new Error("Fastify's words"), { statusCode, code });
  test.each([
    [413, "FST_ERR_CTP_BODY_TOO_LARGE", "RESOURCE_EXHAUSTED", "REQUEST_TOO_LARGE"],
    [415, "FST_ERR_CTP_INVALID_MEDIA_TYPE", "INVALID_ARGUMENT", "UNSUPPORTED_MEDIA_TYPE"],
    [400, "FST_ERR_CTP_INVALID_CONTENT_LENGTH", "INVALID_ARGUMENT", "INVALID_REQUEST"],
    [400, "FST_ERR_BAD_URL", "INVALID_ARGUMENT", "INVALID_REQUEST"],
    [414, "FST_ERR_MAX_PARAM_LENGTH", "INVALID_ARGUMENT", "PATH_TOO_LONG"],
    [404, "FST_ERR_NOT_FOUND", "NOT_FOUND", "ROUTE_NOT_FOUND"],
    [503, "FST_ERR_HANDLER_TIMEOUT", "UNAVAILABLE", "OVERLOADED"],
    [500, "FST_ERR_BAD_STATUS_CODE", "INTERNAL", "INTERNAL"],
  ])("%s %s", (status, fastifyCode, code, reason) => {
    const result = problemFromFastifyError(fastifyError(status, fastifyCode));
    expect(result).toMatchObject({ status, code, reason });
    expect(result.detail).not.toContain("Fastify");
  });

  test("anything else is INTERNAL", () => {
    expect(problemFromFastifyError(new Error("secret"))).toMatchObject({ status: 500, detail: "internal error" });
    expect(problemFromFastifyError(new ConnectError("no", Code.NotFound))).toMatchObject({ status: 404 });
  });
});
