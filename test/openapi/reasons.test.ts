/**
 * The reasons that the document describes for each operation and status: those that the tests expect of the method, and no
 * others. An error with every reason is made here and compared with the schema of every status.
 */
import { describe, expect, it } from "vitest";
import { describeReason, type ReasonName, reasonNames } from "../../src/rpc/reasons.ts";
import { type Operation, readDocument, type Schema } from "../support/openapi/document.ts";
import { expectedAnswers, outcomeUnknownWithoutKey } from "../support/scenario/expected-answers.ts";
import { declaredReasons } from "../support/scenario/matrix.ts";
import { isConnect, scenarioOf } from "./support/requests.ts";

const document = readDocument();

interface ExpectedError {
  readonly reason: ReasonName;
  readonly code: string;
  readonly status: number;
}

/** Refusals by HTTP of requests to a method, by hand. */
const byHttp: readonly ExpectedError[] = [
  { reason: "HOST_NOT_ALLOWED", code: "PERMISSION_DENIED", status: 403 },
  { reason: "ORIGIN_NOT_ALLOWED", code: "PERMISSION_DENIED", status: 403 },
];
const preconditionFailed = { reason: "PRECONDITION_FAILED", code: "FAILED_PRECONDITION", status: 412 } as const;
const byRest = {
  versionMismatch: { reason: "VERSION_MISMATCH", code: "ABORTED", status: 412 },
  tooLarge: { reason: "REQUEST_TOO_LARGE", code: "RESOURCE_EXHAUSTED", status: 413 },
  wrongType: { reason: "UNSUPPORTED_MEDIA_TYPE", code: "INVALID_ARGUMENT", status: 415 },
} as const;

/** The errors that an operation may be answered with. */
function expectedOf(operation: Operation): ExpectedError[] {
  const { method } = scenarioOf(operation);
  const isOpen = operation.security.some((each) => Object.keys(each).length === 0);
  const declared = declaredReasons(method).filter((reason) => !(isOpen && reason === "MISSING_SCOPE"));
  const ofMethod = declared.flatMap((reason) => errorsOf(reason, method.name));
  const comparesVersion = declared.includes("VERSION_MISMATCH");
  if (isConnect(operation)) return [...ofMethod, ...byHttp, ...(isRead(operation) ? [preconditionFailed] : [])];
  const ofCondition = comparesVersion ? byRest.versionMismatch : preconditionFailed;
  const ofBody = isRead(operation) ? [] : [byRest.tooLarge, byRest.wrongType];
  return [...ofMethod, ...byHttp, ofCondition, ...ofBody];
}

const isRead = ({ httpMethod }: Operation) => httpMethod === "GET";

/** The answers to a reason. OUTCOME_UNKNOWN has another one for a call that is not safe to repeat. */
function errorsOf(reason: ReasonName, method: string): ExpectedError[] {
  const usual = { reason, ...(expectedAnswers.get(reason) ?? expect.unreachable(reason)) };
  if (reason !== "OUTCOME_UNKNOWN") return [usual];
  const unsafe = { reason, ...outcomeUnknownWithoutKey };
  if (["ConfirmHold", "ReleaseHold", "ExtendHold"].includes(method)) return [usual];
  // It takes no key.
  return method === "UpdateConcert" ? [unsafe] : [usual, unsafe];
}

const metadataOf = (reason: ReasonName) =>
  Object.fromEntries(
    describeReason(reason).metadata.map((key) => [key, key === "status" ? "BOOKING_STATUS_HELD" : "1"]),
  );

/** The error as REST writes it. */
function problem({ reason, code, status }: ExpectedError): object {
  const words = reason.toLowerCase().split("_");
  const title = words.join(" ");
  return {
    ...{
      type: `urn:frontrow:problem:${words.join("-")}`,
      title: title.charAt(0).toUpperCase() + title.slice(1),
      status,
    },
    ...{ detail: "What happened.", code, reason, metadata: metadataOf(reason) },
  };
}

/** The error as Connect writes it. */
function connectError({ reason, code }: ExpectedError): object {
  const debug = { reason, domain: "frontrow", metadata: metadataOf(reason) };
  return {
    code: code.toLowerCase(),
    message: "What happened.",
    details: [{ type: "google.rpc.ErrorInfo", value: "", debug }],
  };
}

const nameOf = ({ reason, code, status }: ExpectedError) => `${status} ${code} ${reason}`;

/** All pairs of a code and a status that some error has. */
const kinds = [
  ...expectedAnswers.values(),
  outcomeUnknownWithoutKey,
  preconditionFailed,
  ...Object.values(byRest),
  ...byHttp,
];
const pairs = [...new Map(kinds.map(({ code, status }) => [`${code} ${status}`, { code, status }])).values()];
const possible = reasonNames.flatMap((reason) => pairs.map((pair) => ({ reason, ...pair })));

function isDescribed({ responses }: Operation, error: ExpectedError): boolean {
  const content = responses[error.status]?.content ?? {};
  const fits = (schema: Schema | undefined, value: object) =>
    schema !== undefined && document.faults(schema, value).length === 0;
  return (
    fits(content["application/problem+json"]?.schema, problem(error)) ||
    fits(content["application/json"]?.schema, connectError(error))
  );
}

describe("the errors that the document describes are those that the tests expect", () => {
  it.each(document.operations.map((operation) => [operation.operationId, operation] as const))(
    "of %s",
    (_, operation) => {
      const described = possible.filter((error) => isDescribed(operation, error)).map(nameOf);
      expect(described.sort()).toEqual([...new Set(expectedOf(operation).map(nameOf))].sort());
    },
  );
});
