/** Reads the google.api.http rules of a service's methods, and refuses at start-up those that cannot be served. */
import {
  type DescField,
  type DescMessage,
  type DescMethod,
  type DescMethodUnary,
  type DescService,
  getOption,
  hasOption,
} from "@bufbuild/protobuf";
import { hasCustomJsonRepresentation } from "@bufbuild/protobuf/wkt";
import { http } from "../../../gen/google/api/annotations_pb.ts";
import type { HttpRule } from "../../../gen/google/api/http_pb.ts";
import { type PathTemplate, parsePathTemplate } from "./path-template.ts";

/** One way to call a method over REST. */
export interface RestBinding {
  readonly method: DescMethodUnary;
  /** In capitals, or `*` for any. */
  readonly httpMethod: string;
  readonly template: PathTemplate;
  /** For each variable of the template the chain of fields that leads to the one it sets. */
  readonly variableFields: readonly (readonly DescField[])[];
  /** Where the request body goes: nowhere, to all fields that the path does not set, or to one field. */
  readonly body: "none" | "all" | DescField;
  /** The field of the response that is sent; undefined for the whole response. */
  readonly responseBody: DescField | undefined;
  /**
   * For a binding that creates what another one gets: the response's field that follows this binding's path in the URL
   * of what was created.
   */
  readonly locationField: DescField | undefined;
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
  return bindings.map((binding) => ({ ...binding, locationField: findLocationField(binding, bindings) }));
}

type BindingWithoutLocation = Omit<RestBinding, "locationField">;

function readBinding(method: DescMethod, rule: HttpRule, additional: boolean): BindingWithoutLocation {
  if (method.methodKind !== "unary") throw new Error("a streaming method cannot be called over REST");
  if (additional && rule.additionalBindings.length > 0) throw new Error("additional_bindings cannot be nested");
  const { httpMethod, path } = readPattern(rule);
  const template = parsePathTemplate(path);
  const variableFields = template.variables.map(({ fieldPath }) => resolveVariable(method.input, fieldPath));
  const body = readBody(method.input, rule.body);
  if (body !== "none" && (httpMethod === "GET" || httpMethod === "HEAD")) throw new Error(`${httpMethod} has no body`);
  if (variableFields.some(([first, ...rest]) => first === body && rest.length === 0)) {
    throw new Error(`the field ${rule.body} is set by both the path and the body`);
  }
  const responseBody = rule.responseBody === "" ? undefined : topLevelField(method.output, rule.responseBody);
  return { method, httpMethod, template, variableFields, body, responseBody };
}

function readPattern({ pattern }: HttpRule): { httpMethod: string; path: string } {
  if (pattern.case === undefined) throw new Error("names no HTTP method");
  if (pattern.case !== "custom") return { httpMethod: pattern.case.toUpperCase(), path: pattern.value };
  const { kind, path } = pattern.value;
  if (!/^(?:\*|[A-Z][A-Z-]*)$/.test(kind)) throw new Error(`"${kind}" is not an HTTP method`);
  return { httpMethod: kind, path };
}

function readBody(input: DescMessage, body: string): RestBinding["body"] {
  if (body === "") return "none";
  return body === "*" ? "all" : topLevelField(input, body);
}

function topLevelField(desc: DescMessage, name: string): DescField {
  const field = desc.fields.find((each) => each.name === name);
  if (field === undefined) throw new Error(`${desc.typeName} has no field ${name}`);
  return field;
}

function resolveVariable(input: DescMessage, fieldPath: readonly string[]): DescField[] {
  const fields: DescField[] = [];
  let desc: DescMessage | undefined = input;
  for (const name of fieldPath) {
    if (desc === undefined) throw new Error(`{${fieldPath.join(".")}}: ${fields.at(-1)?.name} has no fields`);
    const field: DescField = topLevelField(desc, name);
    fields.push(field);
    const isPlainMessage = field.fieldKind === "message" && !hasCustomJsonRepresentation(field.message);
    desc = isPlainMessage ? field.message : undefined;
  }
  const last = fields.at(-1);
  if (last?.fieldKind !== "scalar" && last?.fieldKind !== "enum") {
    throw new Error(`{${fieldPath.join(".")}} is a ${last?.fieldKind} field; the path can only set single values`);
  }
  return fields;
}

/**
 * A POST creates what a GET of the same service answers, if the GET's path is the POST's and one variable more: then the
 * response's field of that variable's name completes the URL.
 */
function findLocationField(
  post: BindingWithoutLocation,
  bindings: readonly BindingWithoutLocation[],
): DescField | undefined {
  if (post.httpMethod !== "POST" || post.template.verb !== "" || post.responseBody !== undefined) return undefined;
  const { output } = post.method;
  for (const get of bindings) {
    const variable = get.template.variables.at(-1);
    const name = variable?.fieldPath.join(".");
    const field = output.fields.find((each) => each.name === name);
    if (get.httpMethod !== "GET" || get.responseBody !== undefined || get.method.output !== output) continue;
    if (get.template.source !== `${post.template.source}/{${name}}` || field?.fieldKind !== "scalar") continue;
    return field;
  }
  return undefined;
}
