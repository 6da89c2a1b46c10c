/** Whether a request is one that the document describes. */
import type { ApiDocument, Operation, Parameter, Schema } from "../../support/openapi/document.ts";
import { faultsOfText } from "../../support/openapi/exchange.ts";
import type { HttpRequest } from "./requests.ts";

/** In what a request differs from the document; empty if it fits. */
export function faultsOfRequest(document: ApiDocument, operation: Operation, request: HttpRequest): readonly string[] {
  const [path = "", query = ""] = request.target.split("?");
  const media = operation.requestBody?.content["application/json"];
  const inBody = media && request.body !== null ? document.faults(media.schema, JSON.parse(request.body)) : [];
  return [
    ...faultsOfPath(document, operation, path),
    ...faultsOfQuery(document, operation, new URLSearchParams(query)),
    ...inBody,
    ...faultsOfHeaders(document, operation, request.headers),
  ];
}

function faultsOfHeaders(document: ApiDocument, { parameters }: Operation, sent: HttpRequest["headers"]): string[] {
  const described = parameters.filter((each) => each.in === "header");
  return described.flatMap(({ name, schema = {} }) => {
    const value = sent[name.toLowerCase()];
    return value === undefined ? [] : faultsOfText(document, schema, value);
  });
}

function faultsOfPath(document: ApiDocument, { path, parameters }: Operation, sent: string): string[] {
  const values = sent.split("/");
  return path.split("/").flatMap((segment, at) => {
    const parameter = parameters.find((each) => each.in === "path" && segment === `{${each.name}}`);
    const value = decodeURIComponent(values[at] ?? "");
    return parameter ? faultsOfText(document, parameter.schema ?? {}, value) : [];
  });
}

function faultsOfQuery(document: ApiDocument, { parameters }: Operation, query: URLSearchParams): string[] {
  const known = parameters.filter((each) => each.in === "query");
  const unknown = [...query.keys()].filter((key) => !known.some(({ name }) => name === key));
  return [
    ...unknown.map((key) => `the query's key ${key} is not described`),
    ...known.flatMap((parameter) => faultsOfParameter(document, parameter, query.getAll(parameter.name))),
  ];
}

function faultsOfParameter(document: ApiDocument, parameter: Parameter, values: readonly string[]): readonly string[] {
  const { name, required = false, allowEmptyValue = false, schema = {}, content } = parameter;
  const [value] = values;
  if (value === undefined) return required ? [`the query has no ${name}`] : [];
  if (allowEmptyValue && values.every((each) => each === "")) return [];
  if (content) return document.faults(content["application/json"]?.schema ?? {}, JSON.parse(value));
  const whole: Schema = document.resolve(schema);
  if (whole.type === "array") return document.faults(whole, values);
  return values.length > 1 ? [`the query has ${name} twice`] : faultsOfText(document, whole, value);
}
