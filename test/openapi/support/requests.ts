/** Requests to the operations of the document, with the values that the scenarios of the methods write by hand. */

import { rightJson, scenarios } from "../../methods/index.ts";
import type { Operation } from "../../support/openapi/document.ts";
import type { Exchange } from "../../support/openapi/exchange.ts";
import { type Existing, type JsonObject, query, type Scenario } from "../../support/scenario/scenario.ts";

export interface HttpRequest {
  readonly method: string;
  /** From the root, with the query. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

/** Whether an operation is a method at its RPC path, and not at its REST route. */
export const isConnect = ({ path }: Operation) => path.startsWith("/frontrow.v1.");

/** The scenario of the method that an operation calls. */
export function scenarioOf(operation: Operation): Scenario {
  const name = isConnect(operation) ? operation.path.split("/").at(-1) : operation.operationId;
  const found = scenarios.find(({ method }) => method.name === name);
  if (!found) throw new Error(`no file in test/methods is about ${operation.operationId}`);
  return found;
}

/** A request that succeeds. */
export function rightRequestOf(operation: Operation, existing: Existing): HttpRequest {
  return requestOf(operation, rightJson(scenarioOf(operation), existing));
}

/** A request of its JSON, whose keys are in snake_case. Undefined leaves a key out. */
export function requestOf(operation: Operation, json: JsonObject): HttpRequest {
  if (isConnect(operation)) return connectRequest(operation, JSON.stringify(camelCased(json)));
  const { httpMethod, path, requestBody } = operation;
  const inPath = new Set([...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name));
  const target = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(json[name])));
  const others = Object.fromEntries(Object.entries(json).filter(([name]) => !inPath.has(name)));
  return requestBody
    ? httpRequest(httpMethod, target, JSON.stringify(others))
    : httpRequest(httpMethod, target + query(others), undefined);
}

function connectRequest({ httpMethod, path }: Operation, message: string): HttpRequest {
  if (httpMethod === "POST") return httpRequest("POST", path, message);
  const query = new URLSearchParams({ connect: "v1", encoding: "json", message });
  return httpRequest("GET", `${path}?${query}`, undefined);
}

function httpRequest(method: string, target: string, body: string | undefined): HttpRequest {
  return {
    method,
    target,
    headers: body === undefined ? {} : { "content-type": "application/json" },
    body: body ?? null,
  };
}

function camelCased(json: JsonObject): JsonObject {
  const camelCase = (name: string) => name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return Object.fromEntries(Object.entries(json).map(([name, value]) => [camelCase(name), value]));
}

/** Sends a request, with further headers in lower case. */
export async function send(
  baseUrl: string,
  { method, target, headers, body }: HttpRequest,
  more: Readonly<Record<string, string>> = {},
): Promise<Exchange> {
  const response = await fetch(`${baseUrl}${target}`, { method, headers: { ...headers, ...more }, body });
  return { method, target, status: response.status, headers: response.headers, body: await response.text() };
}
