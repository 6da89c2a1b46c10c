/** The operations of REST, as the annotations google.api.http bind them. */
import { type DescField, type DescMethod, type DescService, getOption, type JsonObject } from "@bufbuild/protobuf";
import { FieldBehavior, field_behavior } from "../../../gen/google/api/field_behavior_pb.ts";
import { type RestBinding, readBindings } from "../../../src/transport/rest/bindings.ts";
import { whyNotInQuery } from "../../../src/transport/rest/query.ts";
import type { SchemaWriter } from "../json-schema.ts";
import { isCached, restErrors, takes } from "./errors.ts";
import { jsonContent } from "./example.ts";
import { parameterRefs, type RequestHeaderName, type ResponseHeaderName } from "./headers.ts";
import { describeOperation, type Operation } from "./operation.ts";
import { errorResponses, problemContent, successResponses } from "./responses.ts";

export interface RestWriters {
  readonly input: SchemaWriter;
  readonly output: SchemaWriter;
}

/** The operations of a service. */
export function restOperations(service: DescService, writers: RestWriters): Operation[] {
  const seen = new Map<string, number>();
  return readBindings(service).map((binding) => {
    const { method, httpMethod, template } = binding;
    const count = (seen.get(method.name) ?? 0) + 1;
    seen.set(method.name, count);
    if (template.variables.some(({ fieldPath, multiSegment }) => fieldPath.length > 1 || multiSegment)) {
      throw new Error(`${template.source}: only single fields can be in a path yet`);
    }
    const operationId = count === 1 ? method.name : `${method.name}${count}`;
    return {
      path: template.source.replaceAll(/\{(\w+)[^}]*\}/g, "{$1}"),
      httpMethod: httpMethod.toLowerCase(),
      operation: {
        ...describeOperation(method, service.name, operationId),
        parameters: [...parametersOf(binding, writers.input), ...parameterRefs(headersOf(binding))],
        ...(binding.body !== "none" && { requestBody: requestBody(binding, writers.input) }),
        responses: responsesOf(binding, writers.output),
      },
    };
  });
}

function headersOf({ method, httpMethod }: RestBinding): RequestHeaderName[] {
  const isGet = httpMethod === "GET";
  const isConditional = isGet || takes(method, "version");
  return [
    ...(takes(method, "request_id") ? (["IdempotencyKey"] as const) : []),
    ...(isConditional ? (["IfMatch", "IfNoneMatch"] as const) : []),
    ...(isCached(method) ? (["CacheControl"] as const) : []),
  ];
}

/** The fields that the path has, and those of the query where the body has none. */
function parametersOf(binding: RestBinding, input: SchemaWriter): JsonObject[] {
  const inPath = new Set(binding.variableFields.map(({ field }) => field));
  const { properties = {}, required = [] } = input.object(binding.method.input) as {
    properties?: Record<string, JsonObject>;
    required?: string[];
  };
  const parameter = (field: DescField, place: "path" | "query"): JsonObject => {
    const { description = "", ...schema } = properties[field.name] ?? {};
    const isRequired = place === "path" || required.includes(field.name);
    // HTML forms send an empty value for each field that is left empty.
    const empty = isRequired ? {} : { allowEmptyValue: true };
    return { name: field.name, in: place, description, required: isRequired, ...empty, schema: asText(schema) };
  };
  const inQuery = binding.body === "none" ? binding.method.input.fields.filter((field) => !inPath.has(field)) : [];
  for (const field of inQuery) {
    const fault = whyNotInQuery(field);
    if (fault !== undefined) throw new Error(`${field.toString()}: ${fault}`);
  }
  return [
    ...[...inPath].map((field) => parameter(field, "path")),
    ...inQuery.map((field) => parameter(field, "query")),
  ];
}

/** In a URL a 64-bit number is its digits. */
function asText(schema: JsonObject): JsonObject {
  if (!Array.isArray(schema.type)) return schema;
  const { minimum: _, maximum: __, ...rest } = schema;
  return { ...rest, type: "string" };
}

function requestBody({ method, variableFields, body }: RestBinding, input: SchemaWriter): JsonObject {
  if (body !== "all") throw new Error(`${method.name}: a body of one field has no schema yet`);
  const inPath = new Set(variableFields.map(({ field }) => field));
  const { description = "", ...schema } = input.object(method.input, (field) => inPath.has(field));
  return {
    description,
    required: schema.required !== undefined,
    content: { "application/json": jsonContent({ ...schema, ...ignored(method) }, input.definitions()) },
  };
}

/** The fields of the resource that only the server sets: a client may send back what it has read. */
function ignored(method: DescMethod): JsonObject {
  const own = new Set(method.input.fields.map(({ name }) => name));
  const names = method.output.fields
    .filter((field) => getOption(field, field_behavior).includes(FieldBehavior.OUTPUT_ONLY) && !own.has(field.name))
    .map(({ name }) => name);
  if (names.length === 0) return {};
  const description = "Ignored: the server sets these fields. A resource that was read can be sent back.";
  return { patternProperties: { [`^(?:${names.join("|")})$`]: { description } } };
}

function responsesOf(binding: RestBinding, output: SchemaWriter): JsonObject {
  const { method, httpMethod, location, responseBody } = binding;
  if (responseBody !== undefined) throw new Error(`${method.name}: a response of one field has no schema yet`);
  const isGet = httpMethod === "GET";
  const isVersioned = method.output.fields.some(({ name }) => name === "version");
  const headers: ResponseHeaderName[] = [
    ...(isVersioned && !isGet ? (["ETag"] as const) : []),
    ...(location === undefined ? [] : (["Location"] as const)),
  ];
  const json = jsonContent(output.ref(method.output), output.definitions());
  const success = { status: location === undefined ? 200 : 201, headers, content: { "application/json": json } };
  return {
    ...successResponses(method, httpMethod, success),
    ...errorResponses(restErrors(method, binding.body !== "none"), (cases) =>
      problemContent(cases.map(({ reason }) => reason)),
    ),
  };
}
