/** Calls by REST, with the routes that the scenarios write by hand. */
import { scenarioOf } from "../../methods/index.ts";
import type { JsonObject } from "../scenario/scenario.ts";

export interface RestAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

/** Calls a method's REST route with a request as the schema's JSON (snake_case). */
export async function restCall(
  baseUrl: string,
  method: string,
  request: Record<string, unknown>,
  options: { headers?: Readonly<Record<string, string>>; fetch?: typeof globalThis.fetch } = {},
): Promise<RestAnswer> {
  const route = scenarioOf(method).rest(request as JsonObject);
  const response = await (options.fetch ?? fetch)(`${baseUrl}${route.path}`, {
    method: route.method,
    headers: { ...(route.body ? { "Content-Type": "application/json" } : {}), ...options.headers },
    body: route.body ? JSON.stringify(route.body) : null,
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

/** Posts JSON to a path. */
export async function postJson(baseUrl: string, path: string, body: object) {
  const headers = { "Content-Type": "application/json" };
  const response = await fetch(`${baseUrl}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  return { status: response.status, headers: response.headers, body: await response.json() };
}
