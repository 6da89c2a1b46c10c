/** The OpenAPI document as the tests read it: its operations, and a validator for each of its schemas. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

/** A JSON Schema with the keywords that the tests read. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly enum?: readonly unknown[];
  readonly format?: string;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly examples?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
}

interface Media {
  readonly schema: Schema;
  readonly example?: unknown;
}
type Content = Readonly<Record<string, Media>>;

export interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required?: boolean;
  readonly allowEmptyValue?: boolean;
  readonly schema?: Schema;
  readonly content?: Content;
}

interface Header {
  readonly required?: boolean;
  readonly schema: Schema;
}

interface DescribedResponse {
  readonly description: string;
  readonly headers?: Readonly<Record<string, Header>>;
  readonly content?: Content;
}

export interface Operation {
  readonly operationId: string;
  readonly httpMethod: string;
  /** With `{name}` in place of a path parameter. */
  readonly path: string;
  readonly tags: readonly string[];
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters: readonly Parameter[];
  readonly requestBody: { readonly required?: boolean; readonly content: Content } | undefined;
  /** By status. */
  readonly responses: Readonly<Record<string, DescribedResponse>>;
}

export interface ApiDocument {
  readonly operations: readonly Operation[];
  operation(operationId: string): Operation;
  /** The operation that a request calls; undefined if none does. */
  find(httpMethod: string, path: string): Operation | undefined;
  /** The schema itself in place of a reference to it. */
  resolve(schema: Schema): Schema;
  /** What is wrong with a value; empty if nothing is. */
  faults(schema: Schema, value: unknown): readonly string[];
}

type Json = Readonly<Record<string, unknown>>;

const methods = ["get", "put", "post", "delete", "patch"];
const file = join(import.meta.dirname, "..", "..", "..", "gen", "openapi", "openapi.json");
/** References in the document begin with this, so that a schema can be compiled without what is around it. */
const root = "openapi.json";

let served: ApiDocument | undefined;

/** The document that the service serves. */
export function readDocument(): ApiDocument {
  served ??= createDocument(JSON.parse(readFileSync(file, "utf8")));
  return served;
}

/**
 * Reads a document that is parsed already. The last part of each `anyOf`, and further keys of metadata, are for what later
 * versions answer: they are left out, so that what this version answers has to be described.
 */
export function createDocument(json: Json): ApiDocument {
  const document = prepare(json) as Json;
  const ajv = new Ajv2020({ strict: false, allErrors: true, validateSchema: false, multipleOfPrecision: 6 });
  addFormats.default(ajv);
  ajv.addSchema(document, root);
  const follow = <Node extends object>(node: Node): Node =>
    "$ref" in node ? follow(pointed(document, String(node.$ref)) as Node) : node;
  const operations = operationsOf(document, follow);
  return {
    operations,
    operation(operationId) {
      const found = operations.find((each) => each.operationId === operationId);
      if (!found) throw new Error(`the document has no operation ${operationId}`);
      return found;
    },
    find: (httpMethod, path) =>
      operations.find((each) => each.httpMethod === httpMethod && pattern(each.path).test(path)),
    resolve: follow,
    faults(schema, value) {
      const validate = ajv.compile(schema);
      if (validate(value)) return [];
      return (validate.errors ?? []).map(({ instancePath, message, params }) =>
        `${instancePath || "/"} ${message} ${JSON.stringify(params)}`.trim(),
      );
    },
  };
}

function operationsOf(document: Json, follow: <Node extends object>(node: Node) => Node): Operation[] {
  const follows = <Node extends object>(nodes: Readonly<Record<string, Node>> = {}) =>
    Object.fromEntries(Object.entries(nodes).map(([name, node]) => [name, follow(node)]));
  return Object.entries(document.paths as Readonly<Record<string, Json>>).flatMap(([path, item]) =>
    methods
      .filter((method) => method in item)
      .map((method) => {
        const { parameters = [], responses = {}, requestBody, ...rest } = item[method] as Partial<Operation>;
        const all = [...((item.parameters as Parameter[] | undefined) ?? []), ...parameters].map(follow);
        const described = Object.entries(follows(responses)).map(([status, response]): [string, DescribedResponse] => [
          status,
          { ...response, headers: follows(response.headers) },
        ]);
        return {
          security: (document.security ?? []) as Operation["security"],
          tags: [],
          operationId: "",
          ...rest,
          ...{ httpMethod: method.toUpperCase(), path, parameters: all },
          requestBody: requestBody && follow(requestBody),
          responses: Object.fromEntries(described),
        };
      }),
  );
}

/** The paths of Connect have dots, and a parameter is one segment. */
function pattern(path: string): RegExp {
  const literal = path.replaceAll(/[.]/g, "\\.");
  return new RegExp(`^${literal.replaceAll(/\{\w+\}/g, "[^/]+")}$`);
}

function prepare(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(prepare);
  if (typeof node !== "object" || node === null) return node;
  return Object.fromEntries(
    Object.entries(node).map(([key, value]) => {
      if (key === "$ref" && typeof value === "string") return [key, value.replace(/^#/, `${root}#`)];
      if (key === "anyOf" && Array.isArray(value)) return [key, prepare(value.slice(0, -1))];
      const isClosed = key === "metadata" && typeof value === "object" && value !== null && "properties" in value;
      return [key, prepare(isClosed ? { ...value, additionalProperties: false } : value)];
    }),
  );
}

function pointed(document: Json, reference: string): unknown {
  const [, pointer = ""] = reference.split("#/");
  const names = pointer.split("/").map((name) => decodeURIComponent(name).replaceAll("~1", "/").replaceAll("~0", "~"));
  return names.reduce<unknown>((node, name) => (node as Json | undefined)?.[name], document);
}
