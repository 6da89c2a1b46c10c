/** The errors of each protocol, as they are on the wire. */
import { fromBinary } from "@bufbuild/protobuf";
import type { Code } from "@connectrpc/connect";
import { expect } from "vitest";
import { BadRequestSchema, ErrorInfoSchema } from "../../../gen/google/rpc/error_details_pb.ts";
import type { HttpAnswer } from "./http.ts";

export interface Problem {
  readonly detail: string;
  readonly violations?: readonly { readonly field: string; readonly message: string }[];
}

/** REST's error, with every documented member and no other. */
export function expectProblem({ status, headers, text }: HttpAnswer, expected: number, reason: string): Problem {
  expectNoInsides(text);
  expect([status, headers["content-type"], text]).toEqual([
    expected,
    expect.stringMatching(/^application\/problem\+json\b/),
    expect.any(String),
  ]);
  const { violations, ...problem } = JSON.parse(text);
  expect(problem).toEqual({
    type: `urn:frontrow:problem:${reason.toLowerCase().replaceAll("_", "-")}`,
    title: expect.stringMatching(/^[A-Z][a-z ]+$/),
    status,
    detail: expect.stringMatching(/./),
    code: expect.stringMatching(/^[A-Z_]+$/),
    reason,
    metadata: {},
  });
  return violations === undefined ? problem : { ...problem, violations };
}

export interface ConnectProblem {
  readonly code: string;
  readonly message: string;
}

/** The error of a unary Connect call. */
export function expectConnectError({ status, headers, text }: HttpAnswer, expected: number, code: string) {
  expectNoInsides(text);
  expect([status, headers["content-type"], text]).toEqual([expected, "application/json", expect.any(String)]);
  const { details = [], ...error } = JSON.parse(text);
  expect(error).toEqual({ code, message: expect.stringMatching(/./) });
  expect(details).toBeInstanceOf(Array);
  return error as ConnectProblem;
}

/** INVALID_REQUEST of a unary Connect call, with exactly one violation. Returns its message. */
export function expectConnectViolation(answer: HttpAnswer, field: string): string {
  const { message } = expectConnectError(answer, 400, "invalid_argument");
  const details: readonly { type: string; value: string }[] = JSON.parse(answer.text).details ?? [];
  const [info, badRequest, ...others] = details.map(({ value }) => Buffer.from(value, "base64"));
  expect(others).toEqual([]);
  expect(info && fromBinary(ErrorInfoSchema, info)).toMatchObject({ domain: "frontrow", reason: "INVALID_REQUEST" });
  const violations = badRequest ? fromBinary(BadRequestSchema, badRequest).fieldViolations : [];
  expect(violations).toMatchObject([{ field }]);
  const description = violations[0]?.description ?? "";
  expect(message).toBe(field === "" ? description : `${field}: ${description}`);
  return description;
}

/** The error of a gRPC call, which comes in trailers (or in headers, where nothing else comes). Returns its message. */
export function expectGrpcError({ status, headers }: HttpAnswer, code: Code): string {
  const message = decodeURIComponent(String(headers["grpc-message"] ?? ""));
  expectNoInsides(message);
  expect([status, headers["content-type"], headers["grpc-status"], message]).toEqual([
    200,
    expect.stringMatching(/^application\/grpc\b/),
    String(code),
    expect.stringMatching(/./),
  ]);
  return message;
}

const insides = [
  /\b(?:select|insert into|delete from|returning|for update|rollback|relation|column|constraint|pg_\w+|postgres\w*)\b/i,
  /\b(?:sqlstate|ECONN\w+|ENO\w+|EPIPE|TypeError|RangeError|SyntaxError)\b|127\.0\.0\.1|localhost/,
  /\bat .*:\d+:\d+|\.[cm]?[jt]s\b|node_modules|node:|\/(?:src|home|tmp|usr|work)\//,
];

/** Fails if the text has SQL, a stack, a file or an address of the service. */
export function expectNoInsides(text: string): void {
  for (const pattern of insides) expect(text).not.toMatch(pattern);
}

/** The first of these in a text; undefined if there is none. */
export function findInsides(text: string): string | undefined {
  return insides.map((pattern) => pattern.exec(text)?.[0]).find((found) => found !== undefined);
}
