/** Makes the request message of the path, the query and the body of an HTTP request. */
import {
  type DescField,
  getOption,
  type JsonObject,
  type JsonValue,
  type MessageShape,
  type Registry,
} from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { hasCustomJsonRepresentation } from "@bufbuild/protobuf/wkt";
import type { FastifyRequest } from "fastify";
import { FieldBehavior, field_behavior } from "../../../gen/google/api/field_behavior_pb.ts";
import { decodeJson, type JsonDecoderOptions } from "../json/decode.ts";
import { invalidRequest } from "../json/fault.ts";
import { type FieldPath, findFieldLoosely, resolveFieldPath } from "../json/fields.ts";
import { isJsonObject, parseJson, pathIn } from "../json/text.ts";
import { requireJson } from "../request-body.ts";
import type { RestBinding } from "./bindings.ts";
import { parameterToJson, parseQuery, type QueryParameter, textToJson, whyNotInQuery } from "./query.ts";

/**
 * The message of a request. `variables` are the values of the template's variables, in their order; `query` is without its
 * question mark. Throws INVALID_REQUEST with the first fault, and an HttpError for a body that is not JSON.
 */
export type RestDecoder = (
  request: FastifyRequest,
  variables: readonly string[],
  query: string,
) => MessageShape<RestBinding["method"]["input"]>;

/** Creates the decoder of a binding's requests. */
export function createDecoder(binding: RestBinding, registry?: Registry): RestDecoder {
  const { input } = binding.method;
  const options: JsonDecoderOptions = { unknownKeys: "refuse", registry };
  return (request, variables, query) => {
    const root: JsonObject = {};
    const body = bodyOf(request, binding);
    if (body !== undefined) readBody(binding, body, root);
    if (query !== "") readQuery(binding, decodeQuery(query), root);
    for (const [index, path] of binding.variableFields.entries()) {
      setField(root, path, textToJson(path.field, variables[index] ?? ""));
    }
    return decodeJson(input, root, options);
  };
}

/** The bytes of a request's body; undefined for an empty one. */
function bodyOf({ body, headers }: FastifyRequest, binding: RestBinding): Uint8Array | undefined {
  const bytes = body instanceof Uint8Array && body.length > 0 ? body : undefined;
  if (binding.body !== "none") {
    if (bytes !== undefined) requireJson(headers);
    return bytes;
  }
  // Fastify leaves the body of a GET unread. To ignore one would be to ignore something that the client sent.
  const length = headers["content-length"] ?? "0";
  if (bytes === undefined && length === "0" && headers["transfer-encoding"] === undefined) return undefined;
  throw invalidRequest("", "this method takes no request body");
}

function decodeQuery(query: string): QueryParameter[] {
  try {
    return parseQuery(query);
  } catch {
    throw invalidRequest("", "the query is not percent-encoded UTF-8");
  }
}

function readBody({ method, body }: RestBinding, bytes: Uint8Array, root: JsonObject): void {
  if (body === "none") return;
  const isWhole = body === "all";
  const place = isWhole ? "" : body.name;
  const json = parseJson(bytes, place);
  const desc = isWhole ? method.input : body.fieldKind === "message" ? body.message : undefined;
  if (!isWhole) root[body.name] = json;
  if (desc === undefined || hasCustomJsonRepresentation(desc)) return;
  if (!isJsonObject(json)) throw invalidRequest("", "the body must be a JSON object");

  const target: JsonObject = isWhole ? root : {};
  if (!isWhole) root[body.name] = target;
  for (const [key, value] of Object.entries(json)) {
    const field = findFieldLoosely(desc, key);
    // A client may send back what it has read: a request may hold the resource's fields, or the resource itself.
    if (isOutputOnly(isWhole ? (field ?? findFieldLoosely(method.output, key)) : field)) continue;
    if (field === undefined) throw invalidRequest(pathIn(place, key), "unknown field");
    if (Object.hasOwn(target, field.name)) throw invalidRequest(pathIn(place, key), "given more than once");
    target[field.name] = value;
  }
}

/** By field: reading an option takes longer than reading a small body. */
const outputOnly = new WeakMap<DescField, boolean>();

const readOutputOnly = (field: DescField) => getOption(field, field_behavior).includes(FieldBehavior.OUTPUT_ONLY);

/** Whether the server alone sets a field. */
function isOutputOnly(field: DescField | undefined): boolean {
  return field !== undefined && outputOnly.getOrInsertComputed(field, readOutputOnly);
}

function readQuery({ method, body }: RestBinding, parameters: readonly QueryParameter[], root: JsonObject): void {
  for (const parameter of parameters) {
    const { key } = parameter;
    const path = resolveFieldPath(method.input, key.split("."), findFieldLoosely);
    const isInBody = body === "all" || (path !== undefined && body === (path.parents[0] ?? path.field));
    const fault = path && (isInBody ? "must be sent in the body, not in the query" : whyNotInQuery(path.field));
    if (path === undefined) throw invalidRequest(key, "unknown field");
    if (fault !== undefined) throw invalidRequest(key, fault);
    addParameter(root, path, key, parameterToJson(path.field, parameter));
  }
}

function addParameter(root: JsonObject, path: FieldPath, key: string, value: JsonValue | undefined): void {
  if (value === undefined) return;
  const { field } = path;
  const parent = openParent(root, path);
  const present = parent[field.name];
  if (Array.isArray(present)) present.push(value);
  else if (present !== undefined) throw invalidRequest(key, "given more than once");
  else parent[field.name] = field.fieldKind === "list" ? [value] : value;
}

/** The object that holds the field, made where it is missing. */
function openParent(root: JsonObject, { parents }: FieldPath): JsonObject {
  let parent = root;
  for (const field of parents) {
    const key = keyOf(parent, field);
    const child = parent[key] ?? {};
    // A value that is no object is refused by the decoder.
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
function setField(root: JsonObject, path: FieldPath, value: JsonValue): void {
  const parent = openParent(root, path);
  const key = keyOf(parent, path.field);
  const present = parent[key] ?? null;
  if (present !== null && present !== value) {
    const [sent, inPath] = [readAlone(path.field, present), readAlone(path.field, value)];
    // The decoder refuses it, and names what is wrong with it.
    if (sent === undefined) return;
    if (inPath !== undefined && sent !== inPath) throw invalidRequest(path.name, "differs from the one in the path");
  }
  parent[key] = value;
}

/** The value of a field as a text to compare; undefined for one that the field cannot hold. */
function readAlone(field: DescField, value: JsonValue): string | undefined {
  try {
    const message = decodeJson(field.parent, { [field.name]: value }, { unknownKeys: "refuse" });
    return String(reflect(field.parent, message).get(field));
  } catch {
    return undefined;
  }
}
