/** The collection of REST requests for Postman (format 2.1), from the OpenAPI document. */
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { type Step, steps, values, variables } from "./steps.ts";

interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly description?: string;
  readonly required?: boolean;
  readonly schema: { readonly examples?: readonly JsonValue[] };
}

interface Operation {
  readonly operationId: string;
  readonly tags: readonly [string];
  readonly description: string;
  readonly parameters: readonly (Parameter | { readonly $ref: string })[];
  readonly requestBody?: { readonly content: { readonly "application/json": { readonly example: JsonObject } } };
  readonly responses: JsonObject;
}

/** What the collection needs of the document. */
export interface CollectedDocument {
  readonly info: { readonly title: string; readonly version: string };
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  /** Beside the methods, a path has parameters. */
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly parameters: Readonly<Record<string, Parameter>> };
}

interface Route {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

const description =
  "Set base_url, and token if the service verifies tokens. " +
  "The requests succeed from top to bottom: each sets the variables that later ones need.";

/** Creates the collection. Throws if an operation of REST has no request in it. */
export function createCollection(document: CollectedDocument): JsonObject {
  const routes = new Map(restRoutes(document).map((route) => [route.operation.operationId, route]));
  const missing = [...routes.keys()].filter((id) => !steps.some(({ operationId }) => operationId === id));
  if (missing.length > 0) throw new Error(`scripts/schema/postman/steps.ts has no request for ${missing.join(", ")}`);
  const requests = steps.map((step) => {
    const route = routes.get(step.operationId);
    if (!route) throw new Error(`scripts/schema/postman/steps.ts: the document has no operation ${step.operationId}`);
    return { tag: route.operation.tags[0], item: requestItem(step, route, document.components.parameters) };
  });
  return {
    info: {
      name: `${document.info.title} ${document.info.version}`,
      description,
      schema: "https://schema.getpostman.com/json/collection/v2.1.0/collection.json",
    },
    auth: { type: "bearer", bearer: [{ key: "token", value: "{{token}}", type: "string" }] },
    variable: Object.entries(variables).map(([key, value]) => ({ key, value })),
    item: [...Map.groupBy(requests, ({ tag }) => tag)].map(([name, ofTag]) => ({
      name,
      description: document.tags.find((tag) => tag.name === name)?.description ?? "",
      item: ofTag.map(({ item }) => item),
    })),
  };
}

function restRoutes({ paths }: CollectedDocument): Route[] {
  const ofRest = Object.entries(paths).filter(([path]) => path.startsWith("/api/"));
  return ofRest.flatMap(([path, { parameters: _, ...methods }]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
}

function requestItem(step: Step, { method, path, operation }: Route, shared: Readonly<Record<string, Parameter>>) {
  const parameters = operation.parameters.map((each) => {
    const parameter = "$ref" in each ? shared[each.$ref.split("/").at(-1) ?? ""] : each;
    if (!parameter) throw new Error(`${operation.operationId}: a parameter is not in the document`);
    return parameter;
  });
  const entries = (place: Parameter["in"]) => parameters.filter((each) => each.in === place);
  const optional = (parameter: Parameter) => ({
    ...entry(parameter, step),
    ...(!isSent(parameter, method) && { disabled: true }),
  });
  const example = operation.requestBody?.content["application/json"].example;
  const json = { key: "Content-Type", value: "application/json" };
  const query = entries("query").map(optional);
  return {
    name: step.name ?? operation.operationId,
    event: [{ listen: "test", script: { type: "text/javascript", exec: scriptOf(step, operation) } }],
    request: {
      method,
      description: operation.description,
      header: [...(example ? [json] : []), ...entries("header").map(optional)],
      ...(example && { body: bodyOf(example) }),
      url: {
        ...urlOf(path, query),
        ...(query.length > 0 && { query }),
        variable: entries("path").map((parameter) => entry(parameter, step)),
      },
    },
  };
}

function entry({ name, description = "", schema: { examples = [] } }: Parameter, { id = "" }: Step) {
  const value = name === "id" ? id : (values[name] ?? String(examples[0] ?? ""));
  return { key: name, value, description };
}

/** Reads are sent without preconditions: no variable has their entity tags. */
function isSent({ name, required = false }: Parameter, method: string): boolean {
  return required || (name in values && !(name === "If-Match" && method === "GET"));
}

function urlOf(path: string, query: readonly { readonly key: string; readonly value: string; disabled?: boolean }[]) {
  const sent = query.filter(({ disabled = false }) => !disabled).map(({ key, value }) => `${key}=${value}`);
  const withVariables = path.replaceAll(/\{(\w+)\}/g, ":$1");
  const raw = `{{base_url}}${withVariables}${sent.length > 0 ? `?${sent.join("&")}` : ""}`;
  return { raw, host: ["{{base_url}}"], path: withVariables.slice(1).split("/") };
}

/** The document's example. The header Idempotency-Key has its `request_id`, which must be another in each request. */
function bodyOf({ request_id: _, ...example }: JsonObject): JsonObject {
  const fields = Object.entries(example).map(([name, value]) => [name, values[name] ?? value]);
  const raw = JSON.stringify(Object.fromEntries(fields), undefined, 2);
  return { mode: "raw", raw, options: { raw: { language: "json" } } };
}

function scriptOf({ sets = {} }: Step, { operationId, responses }: Operation): string[] {
  const status = Object.keys(responses).find((each) => each.startsWith("2"));
  return [
    `pm.test("${operationId} returns ${status}", () => {`,
    `  pm.response.to.have.status(${status});`,
    ...Object.entries(sets).map(([name, value]) => `  pm.collectionVariables.set("${name}", ${value});`),
    "});",
  ];
}
