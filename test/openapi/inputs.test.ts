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
import { type Operation, type Parameter, readDocument, type Schema } from "../support/openapi/document.ts";
import { type Exchange, faultsOfAnswer } from "../support/openapi/exchange.ts";
import type { Existing, JsonObject } from "../support/scenario/scenario.ts";
import { startTestService, type TestService } from "../support/service/service.ts";
import { createExisting } from "./support/existing.ts";
import { valuesFor } from "./support/inputs.ts";
import { faultsOfRequest } from "./support/request-faults.ts";
import { type HttpRequest, isConnect, requestOf, scenarioOf, send } from "./support/requests.ts";

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

interface Value {
  readonly schema: Schema;
  readonly isRequired: boolean;
}

interface Field extends Value {
  /** In snake_case. */
  readonly name: string;
  readonly in: "path" | "query" | "body";
}

const snakeCase = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** The fields of an operation's request, wherever they are. */
function fieldsOf(operation: Operation): Field[] {
  const { parameters, requestBody } = operation;
  const message = parameters.find(({ content }) => content)?.content ?? requestBody?.content;
  const { properties = {}, required = [] } = document.resolve(message?.["application/json"]?.schema ?? {});
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
  // An encoding that Connect does not know.
  if (status === 415) return true;
  if (status !== 400) return false;
  const { reason, details } = JSON.parse(body);
  if (!isConnect(operation)) return reason === "INVALID_REQUEST";
  // Connect's own refusals have none.
  if (details === undefined) return true;
  return fromBinary(ErrorInfoSchema, Buffer.from(details[0].value, "base64")).reason === "INVALID_REQUEST";
}

/** Forms of a value that the service accepts besides the one that the schema describes, as the document's beginning says. */
function isOtherForm(operation: Operation, { schema, isRequired }: Value, value: unknown): boolean {
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

/** In what the service differs from the document about a request with this value. */
async function differences(operation: Operation, request: HttpRequest, field: Value, value: unknown) {
  const answer = await send(service.baseUrl, request, headers);
  const found = [...faultsOfAnswer(document, answer)];
  const faults = faultsOfRequest(document, operation, request);
  const refused = isRefused(operation, answer);
  const shown = JSON.stringify(value)?.slice(0, 60);
  if (faults.length === 0 && refused && !policies.some((policy) => policy.test(answer.body))) {
    found.push(`${shown} is refused: ${answer.body}`);
  }
  if (faults.length > 0 && !refused && !isOtherForm(operation, field, value))
    found.push(`${shown} is accepted: ${faults}`);
  return found;
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
      wrong.push(...(await differences(operation, request, field, value)));
    }
    expect(wrong).toEqual([]);
  });
});

/** The parameters that are no fields of the request. */
function otherParameters(operation: Operation): Parameter[] {
  return operation.parameters.filter((each) => each.in === "header" || (isConnect(operation) && !each.content));
}

/** The request with another value of a parameter, as HTTP carries it; undefined if HTTP cannot. */
function withParameter(request: HttpRequest, parameter: Parameter, value: unknown): HttpRequest | undefined {
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  if (parameter.in === "query") {
    const [path, query] = request.target.split("?");
    const changed = new URLSearchParams(query);
    changed.delete(parameter.name);
    if (value !== undefined) changed.set(parameter.name, text);
    return { ...request, target: `${path}?${changed}` };
  }
  if (value === undefined) return request;
  if (!/^[\x20-\x7e]*$/.test(text)) return undefined;
  return { ...request, headers: { ...request.headers, [parameter.name.toLowerCase()]: text.trim() } };
}

describe("parameters", () => {
  const cases = document.operations.flatMap((operation) =>
    otherParameters(operation).map(
      (parameter) => [operation.operationId, parameter.name, operation, parameter] as const,
    ),
  );
  it.each(cases)("of %s with values of %s are accepted as the document says", async (_, name, operation, parameter) => {
    const right = rightJson(scenarioOf(operation), existing);
    // A key in a header is for a message without one.
    const json = name === "Idempotency-Key" ? { ...right, request_id: undefined } : right;
    const field = { schema: document.resolve(parameter.schema ?? {}), isRequired: parameter.required ?? false };
    const wrong: string[] = [];
    for (const value of valuesFor(document, field.schema)) {
      const request = withParameter(requestOf(operation, json as JsonObject), parameter, value);
      if (request) wrong.push(...(await differences(operation, request, field, value)));
    }
    expect(wrong).toEqual([]);
  });
});

describe("keys that the document does not describe", () => {
  /** The names of what an operation answers and does not take. */
  function answeredNames(operation: Operation): string[] {
    const { content } = Object.values(operation.responses).find((each) => each.content?.["application/json"]) ?? {};
    const { properties = {} } = document.resolve(content?.["application/json"]?.schema ?? {});
    const taken = new Set(fieldsOf(operation).map(({ name }) => name));
    return Object.keys(properties).filter((name) => !taken.has(snakeCase(name)));
  }

  it.each(document.operations.map((operation) => [operation.operationId, operation] as const))(
    "are refused by %s in REST, and ignored in Connect",
    async (_, operation) => {
      const right = rightJson(scenarioOf(operation), existing);
      const request = requestOf(operation, right);
      const mark = request.target.includes("?") ? "&" : "?";
      const unknown = [
        requestOf(operation, { ...right, evil: "1" }),
        { ...request, target: `${request.target}${mark}evil=1` },
      ];
      for (const each of unknown) {
        const answer = await send(service.baseUrl, each, headers);
        expect([faultsOfAnswer(document, answer), isRefused(operation, answer)]).toEqual([[], !isConnect(operation)]);
      }
      // A resource that was read can be sent back, where the document says so.
      const wrong: string[] = [];
      for (const name of answeredNames(operation)) {
        const sent = requestOf(operation, { ...right, [name]: "1" });
        wrong.push(...(await differences(operation, sent, { schema: {}, isRequired: true }, name)));
      }
      expect(wrong).toEqual([]);
    },
  );
});
