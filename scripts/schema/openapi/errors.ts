/** Which errors an operation can have, with their codes and their HTTP statuses. */
import type { DescMethod } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { readAccessRules } from "../../../src/rpc/access.ts";
import {
  type CodeName,
  codeName,
  codesOf,
  describeReason,
  ErrorOrigin,
  type ReasonName,
  reasonsFrom,
  reasonsOf,
} from "../../../src/rpc/reasons.ts";
import { codeToHttpStatus } from "../../../src/transport/connect/internals.ts";
import { httpStatusOfCode } from "../../../src/transport/http-errors.ts";

/** An error of an operation. A reason with several codes or statuses is several of them. */
export interface ErrorCase {
  readonly reason: ReasonName;
  readonly code: CodeName;
  readonly status: number;
}

/** Whether a method only reads. */
export function isRead({ idempotency }: DescMethod): boolean {
  return idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
}

/** Whether the service may answer a method's reads from its cache. */
export function isCached(method: DescMethod): boolean {
  return isRead(method) && !readAccessRules([method.parent])(method).isPrivate;
}

/** Whether a method's request has a field. */
export function takes(method: DescMethod, name: string): boolean {
  return method.input.fields.some((field) => field.name === name);
}

/** The errors of a method in REST, those of the HTTP server included that depend on the operation. */
export function restErrors(method: DescMethod, hasBody: boolean): ErrorCase[] {
  const ofServer: ReasonName[] = [
    ...(["HOST_NOT_ALLOWED", "ORIGIN_NOT_ALLOWED"] as const),
    ...(hasBody ? (["REQUEST_TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE"] as const) : []),
    // A method that takes a version compares If-Match itself.
    ...(takes(method, "version") ? [] : (["PRECONDITION_FAILED"] as const)),
  ];
  return [...reasonsOfCall(method), ...ofServer].flatMap((reason) => {
    const { httpStatuses } = describeReason(reason);
    const codes = codesIn(method, reason);
    if (httpStatuses.length > 0) return httpStatuses.map((status) => ({ reason, code: firstOf(codes), status }));
    return codes.map((code) => ({ reason, code, status: httpStatusOfCode[code] }));
  });
}

/** The errors of a method in Connect, as Connect writes them. */
export function connectErrors(method: DescMethod, isGet: boolean): ErrorCase[] {
  const ofCall = reasonsOfCall(method).flatMap((reason) =>
    codesOf(reason)
      .filter((code) => codesIn(method, reason).includes(codeName(code)))
      .map((code): ErrorCase => ({ reason, code: codeName(code), status: codeToHttpStatus(code) })),
  );
  const precondition: ErrorCase = { reason: "PRECONDITION_FAILED", code: "FAILED_PRECONDITION", status: 412 };
  return isGet ? [...ofCall, precondition] : ofCall;
}

/** The reasons of requests that the HTTP server refuses at any path. */
export const refusalReasons: readonly ReasonName[] = [
  ...(["ROUTE_NOT_FOUND", "METHOD_NOT_ALLOWED", "REQUEST_TIMEOUT", "UNSUPPORTED_MEDIA_TYPE"] as const),
  ...(["EXPECTATION_FAILED", "HEADERS_TOO_LARGE", "TRANSFER_ENCODING_NOT_SUPPORTED"] as const),
];

function reasonsOfCall(method: DescMethod): ReasonName[] {
  const { scope } = readAccessRules([method.parent])(method);
  const ofAny = reasonsFrom(ErrorOrigin.ANY_METHOD).filter((reason) => scope !== "" || reason !== "MISSING_SCOPE");
  return [...reasonsOf(method), ...ofAny];
}

/** The codes that a reason has with a method. The comment of OUTCOME_UNKNOWN says when it has which. */
function codesIn(method: DescMethod, reason: ReasonName): CodeName[] {
  const names = codesOf(reason).map(codeName);
  if (reason !== "OUTCOME_UNKNOWN" || takes(method, "request_id")) return names;
  const isIdempotent = method.idempotency === MethodOptions_IdempotencyLevel.IDEMPOTENT;
  return names.filter((name) => (name === "UNAVAILABLE") === isIdempotent);
}

function firstOf(codes: readonly CodeName[]): CodeName {
  const [first] = codes;
  if (first === undefined) throw new Error("a reason has no code");
  return first;
}
