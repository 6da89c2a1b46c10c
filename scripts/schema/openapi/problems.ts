/** Schemas of the errors of REST: problem documents (RFC 9457), one schema for each reason. */
import type { JsonObject } from "@bufbuild/protobuf";
import { codeOf, describeReason, type ReasonName } from "../../../src/rpc/reasons.ts";
import { httpStatusesOf } from "../../../src/transport/http-errors.ts";
import { problemOf } from "../../../src/transport/rest/problem-details.ts";
import { codeNamesOf } from "../reasons.ts";

/** The name of the schema of a reason's problem documents, such as `ConcertNotFoundProblem`. */
export function problemName(reason: ReasonName): string {
  const words = reason.toLowerCase().split("_");
  return `${words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("")}Problem`;
}

/** The name of the schema of the problem documents whose reason a later version adds. */
export const otherProblemName = "OtherProblem";

/** The schema of a problem document with one of these reasons, or with one that a later version adds. */
export function anyProblem(reasons: readonly ReasonName[]): JsonObject {
  const names = [...reasons.map(problemName), otherProblemName];
  return { anyOf: names.map((name) => ({ $ref: `#/components/schemas/${name}` })) };
}

/** The schema of the problem documents of a reason, which means what is given. */
export function problemSchema(reason: ReasonName, meaning: string): JsonObject {
  const { type, title } = problemOf({ code: codeOf(reason), reason, message: "", metadata: {} });
  return {
    type: "object",
    title,
    description: meaning,
    properties: {
      type: { const: type, description: "A URI that names the kind of problem." },
      title: { const: title, description: "The reason in words." },
      status: { ...oneOf(httpStatusesOf(reason)), description: "The HTTP status of the response." },
      detail: { type: "string", description: "What happened this time, for people." },
      code: { ...oneOf(codeNamesOf(reason)), description: "The RPC code." },
      reason: { const: reason, description: "Why the request failed, for programs." },
      metadata: metadataSchema(reason),
      ...(reason === "INVALID_REQUEST" && { violations }),
    },
    required: [...required],
  };
}

const required = ["type", "title", "status", "detail", "code", "reason", "metadata"];

/** The schema of the problem documents whose reason a later version adds. */
export const otherProblemSchema: JsonObject = {
  type: "object",
  description:
    "A problem with a reason that a later version of the service adds. Its `status` and `code` say what to do.",
  properties: {
    ...Object.fromEntries(required.map((name) => [name, { type: "string" }])),
    status: { type: "integer" },
    metadata: { type: "object", additionalProperties: { type: "string" } },
  },
  required: [...required],
};

/** The schema of an error's metadata: the keys of its reason. A later version may add some. */
function metadataSchema(reason: ReasonName): JsonObject {
  const { metadata } = describeReason(reason);
  return {
    type: "object",
    description: "Values that belong to the reason.",
    properties: Object.fromEntries(metadata.map((key) => [key, { type: "string" }])),
    ...(metadata.length > 0 && { required: [...metadata] }),
  };
}

const violations = {
  type: "array",
  description: "What is wrong with the request, if fields are at fault.",
  items: {
    type: "object",
    properties: {
      field: { type: "string", description: "The path of the field; empty for the whole request." },
      message: { type: "string", description: "The rule that the field breaks." },
    },
    required: ["field", "message"],
  },
};

/** A keyword for one or several values. */
export function oneOf(values: readonly (string | number)[]): JsonObject {
  const [first, ...others] = [...new Set(values)];
  if (first === undefined) throw new Error("there must be a value");
  return others.length === 0 ? { const: first } : { enum: [first, ...others] };
}
