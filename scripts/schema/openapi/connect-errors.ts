/** Schemas of the errors of Connect in JSON. */
import type { JsonObject } from "@bufbuild/protobuf";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../../../gen/google/rpc/error_details_pb.ts";
import { errorDomain } from "../../../src/rpc/status.ts";
import { orLater } from "../json-schema.ts";
import type { ErrorCase } from "./errors.ts";
import { oneOf } from "./problems.ts";

const badRequestName = "ConnectBadRequestDetail";
const retryInfoName = "ConnectRetryInfoDetail";
const refTo = (name: string) => ({ $ref: `#/components/schemas/${name}` });
const value = { type: "string", description: "The message in binary, in base64 without padding." };
const textsOf = (...names: string[]) => Object.fromEntries(names.map((name) => [name, { type: "string" }]));

/** The details of errors that do not depend on the operation. */
export const connectDetailSchemas: Readonly<Record<string, JsonObject>> = {
  [badRequestName]: {
    type: "object",
    description: "The fields that are at fault.",
    properties: {
      type: { const: BadRequestSchema.typeName },
      value,
      debug: {
        type: "object",
        properties: {
          fieldViolations: {
            type: "array",
            items: {
              type: "object",
              properties: textsOf("field", "description", "reason"),
              required: ["field", "description"],
            },
          },
        },
        required: ["fieldViolations"],
      },
    },
    required: ["type", "value", "debug"],
  },
  [retryInfoName]: {
    type: "object",
    description: "The delay after which to repeat the request.",
    properties: {
      type: { const: RetryInfoSchema.typeName },
      value,
      debug: { type: "object", properties: textsOf("retryDelay"), required: ["retryDelay"] },
    },
    required: ["type", "value", "debug"],
  },
};

/** The schema of the error of a status: an object for each code, with its reasons. */
export function connectError(cases: readonly ErrorCase[], codesWithoutReason: readonly string[] = []): JsonObject {
  const byCode = Map.groupBy(cases, ({ code }) => code.toLowerCase());
  const schemas = [
    ...[...byCode].map(([code, ofCode]) => errorOf(code, ofCode)),
    ...codesWithoutReason.map((code) => errorOf(code, [])),
  ];
  const [first, ...others] = schemas;
  if (first === undefined) throw new Error("an error needs a code");
  return others.length === 0 ? first : { oneOf: schemas };
}

function errorOf(code: string, cases: readonly ErrorCase[]): JsonObject {
  return {
    type: "object",
    properties: {
      code: { const: code, description: "The RPC code, as Connect writes it." },
      message: { type: "string", description: "What happened, for people." },
      ...(cases.length > 0 && { details: detailsOf(cases) }),
    },
    required: ["code", "message"],
  };
}

const otherDetail = {
  type: "object",
  description: "A kind of detail that a later version of the service adds.",
  properties: { type: { type: "string" }, value },
  required: ["type", "value"],
};

function detailsOf(cases: readonly ErrorCase[]): JsonObject {
  const debug = {
    type: "object",
    properties: {
      reason: orLater(oneOf(cases.map(({ reason }) => reason)), "reason"),
      domain: { const: errorDomain },
      metadata: { type: "object", additionalProperties: { type: "string" } },
    },
    required: ["reason", "domain", "metadata"],
  };
  const errorInfo = {
    type: "object",
    description: "Why the request failed, for programs.",
    properties: { type: { const: ErrorInfoSchema.typeName }, value, debug },
    required: ["type", "value", "debug"],
  };
  return {
    type: "array",
    description: "Left out for errors of the protocol itself.",
    items: { anyOf: [errorInfo, refTo(badRequestName), refTo(retryInfoName), otherDetail] },
  };
}
