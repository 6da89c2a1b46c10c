/** Whether the OpenAPI document describes what passes between a client and the service. */
import type { ApiDocument, Operation, Schema } from "./document.ts";

/** A request and its response, as they are on the wire. */
export interface Exchange {
  readonly method: string;
  /** From the root, with the query. */
  readonly target: string;
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** Headers of HTTP itself and of CORS, which a document does not have to describe. */
const plumbing =
  /^(?:date|connection|keep-alive|content-length|content-type|content-encoding|transfer-encoding|vary|x-content-type-options|access-control-.*)$/;

/** In what the exchange's response differs from the document; empty if it fits. */
export function faultsOfAnswer(document: ApiDocument, exchange: Exchange): readonly string[] {
  const { method, target, status } = exchange;
  const operation = document.find(method, target.split("?", 1)[0] ?? "");
  if (!operation) return [`there is no operation for ${method} ${target}`];
  const faults = faultsOfResponse(document, operation, exchange);
  return faults.map((fault) => `${operation.operationId} answers ${status}: ${fault}`);
}

function faultsOfResponse(document: ApiDocument, operation: Operation, exchange: Exchange): string[] {
  const { status, headers, body } = exchange;
  // The default is for refusals by HTTP itself.
  const response = operation.responses[status] ?? (status >= 400 ? operation.responses.default : undefined);
  if (!response) return [`the status is not described: ${body}`];
  const described = Object.entries(response.headers ?? {});
  const names = described.map(([name]) => name.toLowerCase());
  const faults = [...headers.keys()]
    .filter((name) => !plumbing.test(name) && !names.includes(name))
    .map((name) => `the header ${name} is not described`);
  for (const [name, { required = false, schema }] of described) {
    const value = headers.get(name);
    if (value !== null) {
      const wrong = faultsOfText(document, schema, value);
      faults.push(...wrong.map((fault) => `the header ${name}: ${JSON.stringify(value)}: ${fault}`));
    } else if (required) faults.push(`the header ${name} is missing`);
  }
  const [type = ""] = (headers.get("content-type") ?? "").split(";", 1);
  if (!response.content) return body === "" ? faults : [...faults, `a body is not described: ${body}`];
  const media = response.content[type];
  if (!media) return [...faults, `the type ${JSON.stringify(type)} is not described`];
  const value: unknown = JSON.parse(body);
  const wrong = [...document.faults(media.schema, value), ...undescribedKeys(document, media.schema, value)];
  return [...faults, ...wrong.map((fault) => `the body: ${fault}: ${body}`)];
}

/** The keys of a value that its schema does not describe. Schemas of responses allow them, because newer services add some. */
function undescribedKeys(document: ApiDocument, schema: Schema, value: unknown): string[] {
  const schemas = partsOf(document, schema);
  if (Array.isArray(value)) {
    const items = schemas.flatMap(({ items }) => items ?? []);
    return value.flatMap((item) => undescribedKeys(document, { allOf: items }, item));
  }
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) => {
    const described = schemas.flatMap(({ properties = {}, additionalProperties }) => {
      if (key in properties) return [properties[key] as Schema];
      return typeof additionalProperties === "object" ? [additionalProperties] : [];
    });
    if (described.length === 0) return [`the key ${key} is not described`];
    return undescribedKeys(document, { allOf: described }, member);
  });
}

/** A schema and all that it is made of, without references. */
function partsOf(document: ApiDocument, schema: Schema): Schema[] {
  const whole = document.resolve(schema);
  const { allOf = [], anyOf = [], oneOf = [] } = whole;
  return [whole, ...[...allOf, ...anyOf, ...oneOf].flatMap((part) => partsOf(document, part))];
}

/** What is wrong with a value that is sent as text, as in a header, a path or a query. */
export function faultsOfText(document: ApiDocument, schema: Schema, text: string): readonly string[] {
  const readings: unknown[] = [text];
  if (String(Number(text)) === text) readings.push(Number(text));
  if (text === "true" || text === "false") readings.push(text === "true");
  const faults = readings.map((value) => document.faults(schema, value));
  return faults.find((each) => each.length === 0) ?? faults.at(-1) ?? [];
}
