/** Makes the request message of what an HTTP request says in its path, query and body. */
import {
  type DescField,
  type DescMessage,
  fromJson,
  getOption,
  type JsonValue,
  type MessageShape,
} from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { hasCustomJsonRepresentation } from "@bufbuild/protobuf/wkt";
import { FieldBehavior, field_behavior } from "../../../gen/google/api/field_behavior_pb.ts";
import { invalidRequest } from "../problem.ts";
import type { RestBinding } from "./bindings.ts";
import { checkRequest, createViolationList, type ViolationList } from "./check-json.ts";
import { type FieldPath, findFieldLoosely, resolveFieldPath } from "./fields.ts";
import { parseJson } from "./json-text.ts";
import { parameterToJson, parseQuery, type QueryParameter, textToJson, whyNotInQuery } from "./query.ts";
import { rewriteTimes } from "./times.ts";
import { isJsonObject } from "./value-faults.ts";

/** What an HTTP request says to a method. */
export interface RestRequest {
  /** The values of the template's variables, in their order. */
  readonly pathVariables: readonly string[];
  /** Without the question mark. */
  readonly query: string;
  /** Undefined or empty if the request has none. */
  readonly body: Uint8Array | undefined;
}

export type RestDecoder = (request: RestRequest) => MessageShape<RestBinding["method"]["input"]>;

type JsonObject = Record<string, JsonValue>;

/**
 * A function from requests to messages of the binding's method. It throws a ProblemError that says everything that is
 * wrong with a request.
 */
export function createDecoder(binding: RestBinding): RestDecoder {
  const { input } = binding.method;
  return (request) => {
    const list = createViolationList();
    const root: JsonObject = {};
    if (request.body !== undefined && request.body.length > 0) readBody(binding, request.body, root, list);
    if (request.query !== "") readQuery(binding, decodeQuery(request.query), root, list);
    for (const [index, path] of binding.variableFields.entries()) {
      const value = textToJson(path.field, request.pathVariables[index] ?? "");
      setField(root, path, value, list);
    }
    checkRequest(input, root, list);
    if (list.violations.length > 0) throw invalidRequest(list.violations);
    rewriteTimes(input, root);
    return fromJson(input, root);
  };
}

function decodeQuery(query: string): QueryParameter[] {
  try {
    return parseQuery(query);
  } catch {
    throw invalidRequest([{ field: "", message: "the query is not percent-encoded UTF-8" }]);
  }
}

function readBody({ method, body }: RestBinding, bytes: Uint8Array, root: JsonObject, list: ViolationList): void {
  if (body === "none") throw invalidRequest([{ field: "", message: "this method takes no request body" }]);
  const json = parseJson(bytes);
  const desc = body === "all" ? method.input : body.fieldKind === "message" ? body.message : undefined;
  if (body !== "all") root[body.name] = json;
  if (desc === undefined || hasCustomJsonRepresentation(desc)) return;
  if (!isJsonObject(json)) throw invalidRequest([{ field: "", message: "the body must be a JSON object" }]);

  const target: JsonObject = body === "all" ? root : {};
  if (body !== "all") root[body.name] = target;
  for (const [key, value] of Object.entries(json)) {
    if (list.isFull()) return;
    const field = findFieldLoosely(desc, key);
    if (field === undefined) {
      if (body !== "all" || !isOutputOnly(method.output, key)) list.add(key, "unknown field");
    } else if (Object.hasOwn(target, field.name)) list.add(key, "given more than once");
    else target[field.name] = value;
  }
}

/** Whether a key of a body is a field that the server alone sets in the response: what a client has read, it may send back. */
function isOutputOnly(output: DescMessage, key: string): boolean {
  const field = findFieldLoosely(output, key);
  return field !== undefined && getOption(field, field_behavior).includes(FieldBehavior.OUTPUT_ONLY);
}

function readQuery(
  { method, body }: RestBinding,
  parameters: readonly QueryParameter[],
  root: JsonObject,
  list: ViolationList,
): void {
  for (const parameter of parameters) {
    if (list.isFull()) return;
    const { key } = parameter;
    const path = resolveFieldPath(method.input, key.split("."), findFieldLoosely);
    const isInBody = body === "all" || (path !== undefined && body === (path.parents[0] ?? path.field));
    const fault = path && (isInBody ? "must be sent in the body, not in the query" : whyNotInQuery(path.field));
    if (path === undefined) list.add(key, "unknown field");
    else if (fault !== undefined) list.add(key, fault);
    else addParameter(root, path, key, parameterToJson(path.field, parameter), list);
  }
}

function addParameter(
  root: JsonObject,
  path: FieldPath,
  key: string,
  value: JsonValue | undefined,
  list: ViolationList,
): void {
  if (value === undefined) return;
  const { field } = path;
  const parent = openParent(root, path);
  const present = parent[field.name];
  if (Array.isArray(present)) present.push(value);
  else if (present !== undefined) list.add(key, "given more than once");
  else parent[field.name] = field.fieldKind === "list" ? [value] : value;
}

/** The object that holds the field, made where it is missing. */
function openParent(root: JsonObject, { parents }: FieldPath): JsonObject {
  let parent = root;
  for (const field of parents) {
    const key = keyOf(parent, field);
    const child = parent[key] ?? {};
    // A value that is no object is refused when the request is checked; nothing has to go into it.
    if (!isJsonObject(child)) return {};
    parent[key] = child;
    parent = child;
  }
  return parent;
}

/** Below its top level a body may write a field by its JSON name. */
const keyOf = (parent: JsonObject, field: DescField) =>
  Object.hasOwn(parent, field.jsonName) ? field.jsonName : field.name;

/** Sets a field from the path. The query or the body may say the same, but nothing else. */
function setField(root: JsonObject, path: FieldPath, value: JsonValue, list: ViolationList): void {
  const parent = openParent(root, path);
  const key = keyOf(parent, path.field);
  const present = parent[key] ?? null;
  if (present !== null && !isSameValue(path.field, present, value)) {
    list.add(path.name, "differs from the one in the path");
  }
  parent[key] = value;
}

function isSameValue(field: DescField, one: JsonValue, other: JsonValue): boolean {
  if (one === other) return true;
  const read = (value: JsonValue) =>
    String(reflect(field.parent, fromJson(field.parent, { [field.name]: value })).get(field));
  try {
    return read(one) === read(other);
  } catch {
    return false;
  }
}
