/** Reads the google.api.http rules of a service's methods, and refuses at start-up those that cannot be served. */
import { METHODS } from "node:http";
import {
  type DescField,
  type DescMessage,
  type DescMethod,
  type DescMethodUnary,
  type DescService,
  getOption,
  hasOption,
} from "@bufbuild/protobuf";
import { http } from "../../../gen/google/api/annotations_pb.ts";
import type { HttpRule } from "../../../gen/google/api/http_pb.ts";
import { type FieldPath, resolveFieldPath } from "../json/fields.ts";
import { type PathTemplate, parsePathTemplate } from "./path-template.ts";

/** One way to call a method over REST. */
export interface RestBinding {
  readonly method: DescMethodUnary;
  /** In capitals, or `*` for any. */
  readonly httpMethod: string;
  readonly template: PathTemplate;
  /** The field that each variable of the template sets. */
  readonly variableFields: readonly FieldPath[];
  /** Where the request body goes: nowhere, to all fields that the path does not set, or to one field. */
  readonly body: "none" | "all" | DescField;
  /** The field of the response that is sent; undefined for the whole response. */
  readonly responseBody: DescField | undefined;
  /** For a binding that creates what another one gets. */
  readonly location: CreatedLocation | undefined;
}

/** The URL path of what a request has created: a path, and a field of the response as its last segment. */
interface CreatedLocation {
  /** Undefined for the path of the request. */
  readonly path: string | undefined;
  readonly field: DescField;
}

/** All bindings of a service, additional ones included. Throws an Error that names the method of a rule it refuses. */
export function readBindings(service: DescService): RestBinding[] {
  const bindings = service.methods.flatMap((method) => {
    if (!hasOption(method, http)) return [];
    const rule = getOption(method, http);
    try {
      return [rule, ...rule.additionalBindings].map((each) => readBinding(method, each, each !== rule));
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`google.api.http of ${service.typeName}.${method.name}: ${why}`, { cause });
    }
  });
  return bindings.map((binding) => ({ ...binding, location: findLocation(binding, bindings) }));
}

type BindingWithoutLocation = Omit<RestBinding, "location">;

function readBinding(method: DescMethod, rule: HttpRule, additional: boolean): BindingWithoutLocation {
  if (!isUnary(method)) throw new Error("a streaming method cannot be called over REST");
  if (additional && rule.additionalBindings.length > 0) throw new Error("additional_bindings cannot be nested");
  const { httpMethod, path } = readPattern(rule);
  const template = parsePathTemplate(path);
  const variableFields = template.variables.map(({ fieldPath }) => resolveVariable(method.input, fieldPath));
  const body = rule.body === "" ? "none" : rule.body === "*" ? "all" : topLevelField(method.input, rule.body);
  if (body !== "none" && (httpMethod === "GET" || httpMethod === "HEAD")) throw new Error(`${httpMethod} has no body`);
  if (variableFields.some(({ parents, field }) => parents.length === 0 && field === body)) {
    throw new Error(`the field ${rule.body} is set by both the path and the body`);
  }
  const responseBody = rule.responseBody === "" ? undefined : topLevelField(method.output, rule.responseBody);
  return { method, httpMethod, template, variableFields, body, responseBody };
}

const isUnary = (method: DescMethod): method is DescMethodUnary => method.methodKind === "unary";

function readPattern({ pattern }: HttpRule): { httpMethod: string; path: string } {
  if (pattern.case === undefined) throw new Error("names no HTTP method");
  if (pattern.case !== "custom") return { httpMethod: pattern.case.toUpperCase(), path: pattern.value };
  const { kind, path } = pattern.value;
  if (kind !== "*" && !METHODS.includes(kind)) throw new Error(`"${kind}" is not an HTTP method`);
  return { httpMethod: kind, path };
}

function topLevelField(desc: DescMessage, name: string): DescField {
  const field = desc.fields.find((each) => each.name === name);
  if (field === undefined) throw new Error(`${desc.typeName} has no field ${name}`);
  return field;
}

function resolveVariable(input: DescMessage, names: readonly string[]): FieldPath {
  const path = resolveFieldPath(input, names, (desc, name) => desc.fields.find((field) => field.name === name));
  if (path === undefined) throw new Error(`${input.typeName} has no field ${names.join(".")} that the path can set`);
  const { fieldKind } = path.field;
  if (fieldKind === "scalar" || fieldKind === "enum") return path;
  throw new Error(`{${path.name}} is a ${fieldKind} field; the path can only set single values`);
}

/**
 * A POST creates what a GET of the same service gets, if the GET's path is the POST's and one variable more. A POST to a path
 * without variables also creates what a GET gets elsewhere by one variable, such as a hold that is read as a booking.
 */
function findLocation(
  post: BindingWithoutLocation,
  bindings: readonly BindingWithoutLocation[],
): CreatedLocation | undefined {
  if (post.httpMethod !== "POST" || post.template.verb !== "" || post.responseBody !== undefined) return undefined;
  const { source, variables } = post.template;
  const gets = bindings.flatMap((get) => readGetter(get, post.method.output));
  const own = gets.find(({ path }) => path === source);
  if (own) return { path: undefined, field: own.field };
  return variables.length === 0 ? gets.find(({ variableCount }) => variableCount === 1) : undefined;
}

/** A GET of a message by its path and, as the last segment, one of the message's fields; empty if it is none. */
function readGetter({ method, httpMethod, template, responseBody }: BindingWithoutLocation, output: DescMessage) {
  if (httpMethod !== "GET" || responseBody !== undefined || method.output !== output) return [];
  const { source, variables } = template;
  const name = variables.at(-1)?.fieldPath.join(".");
  const field = output.fields.find((each) => each.name === name);
  const end = `/{${name}}`;
  if (field?.fieldKind !== "scalar" || !source.endsWith(end)) return [];
  return [{ path: source.slice(0, -end.length), field, variableCount: variables.length }];
}
