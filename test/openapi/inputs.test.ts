/**
 * Requests that the document describes are accepted, and others are refused: each field of each operation is given values on
 * both sides of its rules and of other types. What the service accepts and refuses besides is listed here, by hand.
 */
import { fromBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { rightJson } from "../methods/index.ts";
import { allScopes, bearer, createTokenIssuer, trusting } from "../support/auth/tokens.ts";
import { createTestDatabase, type TestDatabase } from "../support/database/database.ts";
import { type Operation, readDocument, type Schema } from "../support/openapi/document.ts";
import { type Exchange, faultsOfAnswer } from "../support/openapi/exchange.ts";
import type { Existing, JsonObject } from "../support/scenario/scenario.ts";
import { startTestService, type TestService } from "../support/service/service.ts";
import { createExisting } from "./support/existing.ts";
import { valuesFor } from "./support/inputs.ts";
import { faultsOfRequest } from "./support/request-faults.ts";
import { isConnect, requestOf, scenarioOf, send } from "./support/requests.ts";

const document = readDocument();

let database: TestDatabase;
let service: TestService;
let existing: Existing;
let headers: Readonly<Record<string, string>>;

beforeAll(async () => {
  const issuer = await createTokenIssuer();
  headers = bearer(await issuer.sign({ sub: "nora", scope: allScopes }));
  database = await createTestDatabase();
  existing = await createExisting(database);
  service = await startTestService(trusting(issuer, { APP_HOLD_TTL_MAX: "24h", APP_HOLD_LIFETIME: "24h" }), database);
});
afterAll(async () => {
  await service.close();
  await database.drop();
});

interface Field {
  /** In snake_case. */
  readonly name: string;
  readonly schema: Schema;
  readonly isRequired: boolean;
  readonly in: "path" | "query" | "body";
}

/** The fields of an operation's request, wherever they are. */
function fieldsOf(operation: Operation): Field[] {
  const { parameters, requestBody } = operation;
  const message = parameters.find(({ content }) => content)?.content ?? requestBody?.content;
  const { properties = {}, required = [] } = document.resolve(message?.["application/json"]?.schema ?? {});
  const snakeCase = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const inBody = Object.entries(properties).map(([name, schema]): Field => {
    return { name: snakeCase(name), schema: document.resolve(schema), isRequired: required.includes(name), in: "body" };
  });
  if (isConnect(operation)) return inBody;
  const others = parameters
    .filter((each) => each.in !== "header")
    .map(({ name, schema = {}, required = false, ...rest }) => {
      return { name, schema: document.resolve(schema), isRequired: required, in: rest.in as "path" | "query" };
    });
  return [...others, ...inBody];
}

/** Whether the service says that the request is not one that it accepts, whatever it is about. */
function isRefused(operation: Operation, { status, body }: Exchange): boolean {
  if (status !== 400) return false;
  const { reason, details } = JSON.parse(body);
  if (!isConnect(operation)) return reason === "INVALID_REQUEST";
  const info = details?.[0] && fromBinary(ErrorInfoSchema, Buffer.from(details[0].value, "base64"));
  return info?.reason === "INVALID_REQUEST";
}

/** Forms of a value that the service accepts besides the one that the schema describes, as the document's beginning says. */
function isOtherForm(operation: Operation, { schema, isRequired }: Field, value: unknown): boolean {
  const isUnset = value === null || value === 0 || value === "" || (Array.isArray(value) && value.length === 0);
  if (isUnset && !isRequired) return true;
  if (schema.type === "integer" || schema.type === "number") {
    return typeof value === "string" && document.faults(schema, Number(value)).length === 0;
  }
  if (schema.format === "int64") return /^0*[1-9]\d{0,18}$/.test(String(value));
  const isNumberOfStatus = (item: unknown) => typeof item === "number" && item >= 1 && item <= 5;
  const isIgnored = (item: unknown) => isConnect(operation) && typeof item === "string";
  return (
    schema.type === "array" && Array.isArray(value) && value.every((each) => isNumberOfStatus(each) || isIgnored(each))
  );
}

/** What the service says of rules that no schema can express, each described in words. */
const policies: readonly RegExp[] = [
  /booking_end_time must be at least a microsecond after booking_start_time/,
  /currency_code: is not the ISO 4217 code of a currency with at most two decimals/,
  /price: must be a whole number in JPY, which has no decimals/,
];

/** The request that the document gives as its example, field by field. */
function exampleOf({ parameters, requestBody }: Operation): JsonObject {
  const message = parameters.find(({ content }) => content)?.content ?? requestBody?.content;
  const others = parameters.filter((each) => each.in !== "header" && !each.content);
  const examples = others.map(({ name, schema }) => [name, document.resolve(schema ?? {}).examples?.[0]] as const);
  return { ...Object.fromEntries(examples), ...(message?.["application/json"]?.example as object) } as JsonObject;
}

describe("examples", () => {
  it.each(document.operations.map((operation) => [operation.operationId, operation] as const))(
    "of %s are requests that the document describes and the service accepts",
    async (_, operation) => {
      const request = requestOf(operation, exampleOf(operation));
      expect(faultsOfRequest(document, operation, request)).toEqual([]);
      const answer = await send(service.baseUrl, request, headers);
      expect([isRefused(operation, answer), answer.body]).toEqual([false, expect.anything()]);
      expect(faultsOfAnswer(document, answer)).toEqual([]);
    },
  );
});

describe("requests", () => {
  const cases = document.operations.flatMap((operation) =>
    fieldsOf(operation).map((field) => [operation.operationId, field.name, operation, field] as const),
  );
  it.each(cases)("of %s with values of %s are accepted as the document says", async (_, name, operation, field) => {
    const right = rightJson(scenarioOf(operation), existing);
    const wrong: string[] = [];
    const values = valuesFor(document, field.schema);
    // An empty one is another path.
    for (const value of field.in === "path" ? values.filter((each) => String(each) !== "") : values) {
      const request = requestOf(operation, { ...right, [name]: value } as JsonObject);
      const answer = await send(service.baseUrl, request, headers);
      expect(faultsOfAnswer(document, answer)).toEqual([]);
      const faults = faultsOfRequest(document, operation, request);
      const refused = isRefused(operation, answer);
      const shown = JSON.stringify(value)?.slice(0, 60);
      if (faults.length === 0 && refused && !policies.some((policy) => policy.test(answer.body)))
        wrong.push(`${shown} is refused: ${answer.body}`);
      if (faults.length > 0 && !refused && !isOtherForm(operation, field, value)) {
        wrong.push(`${shown} is accepted: ${faults}`);
      }
    }
    expect(wrong).toEqual([]);
  });
});
