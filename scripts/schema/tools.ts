/** The tools that assistants may call (frontrow/v1/tool.proto), as the Model Context Protocol lists them. */
import {
  type DescMethod,
  type DescService,
  getOption,
  hasOption,
  type JsonObject,
  type JsonValue,
} from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel as IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { tool } from "../../gen/frontrow/v1/tool_pb.ts";
import { commentOf } from "./comments.ts";
import type { ExamplesOf } from "./examples.ts";
import { createSchemaWriter, type JsonSchema, type SchemaForm } from "./json-schema.ts";

/** All tools, in the order of the schema, each with the path of its method. */
export function createTools(services: readonly DescService[], examplesOf: ExamplesOf): readonly JsonObject[] {
  const methods = services.flatMap((service) => service.methods).filter((method) => hasOption(method, tool));
  return methods.map((method) => createTool(method, examplesOf));
}

function createTool(method: DescMethod, examplesOf: ExamplesOf): JsonObject {
  const { name, title, destructive } = getOption(method, tool);
  if (!/^[a-z][a-z_]{0,63}$/.test(name) || title === "")
    throw new Error(`${method.toString()} needs a name and a title`);
  const hasKey = method.input.fields.some((field) => field.name === "request_id");
  const isReadOnly = method.idempotency === IdempotencyLevel.NO_SIDE_EFFECTS;
  if (isReadOnly && destructive) throw new Error(`${method.toString()} is a read, which takes nothing away`);
  const input = schemaOf(method, "input", examplesOf);
  const described = {
    method: `${method.parent.typeName}/${method.name}`,
    name,
    title,
    description: commentOf(method),
    inputSchema: hasKey ? requiringKey(input) : input,
    outputSchema: schemaOf(method, "output", examplesOf),
    annotations: {
      readOnlyHint: isReadOnly,
      destructiveHint: destructive,
      idempotentHint: hasKey || method.idempotency !== IdempotencyLevel.IDEMPOTENCY_UNKNOWN,
      openWorldHint: false,
    },
  };
  return forAssistants(described) as JsonObject;
}

/** What an assistant has no use for: it sees arguments and results, whatever carries them. */
const ofTransport = /\b(?:[Hh]eaders?|Idempotency-Key|REST|HTTP|gRPC)\b|rule `/;

/** A value with the descriptions that are true for a tool: without the paragraphs about other protocols. */
function forAssistants(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(forAssistants);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, each]): [string, JsonValue] => [
    key,
    key === "description" && typeof each === "string" ? textForAssistants(each) : forAssistants(each),
  ]);
  return Object.fromEntries(entries);
}

function textForAssistants(comment: string): string {
  const paragraphs = comment.split("\n\n").filter((paragraph) => !paragraph.startsWith("Over REST"));
  const text = paragraphs.join("\n\n");
  const [word] = ofTransport.exec(text) ?? [];
  if (word !== undefined) throw new Error(`a tool's description has ${word}, which no assistant sees: ${text}`);
  return text;
}

/** The schema of a method's request or response, with all that it refers to. */
function schemaOf(method: DescMethod, direction: SchemaForm["direction"], examplesOf: ExamplesOf): JsonSchema {
  const writer = createSchemaWriter({
    names: "proto",
    unknownKeys: "refuse",
    refTo: ({ name }) => `#/$defs/${name}`,
    ...{ direction, examplesOf },
  });
  const schema = writer.object(direction === "input" ? method.input : method.output);
  const definitions = [...writer.definitions()].map(([ref, definition]): [string, JsonSchema] => [
    ref.replace("#/$defs/", ""),
    direction === "input" ? definition : open(definition),
  ]);
  return definitions.length === 0 ? schema : { ...schema, $defs: Object.fromEntries(definitions) };
}

/** A result may have a value that a later version has added to an enum. */
function open({ enum: _, ...definition }: JsonSchema): JsonSchema {
  return definition;
}

const requestId =
  "A UUID that makes repeating the call safe, other than the nil and the max UUID: " +
  "a new one for each request, the same one to repeat it.";

/** An assistant repeats a call whose result it has not seen, so it must have a key. */
function requiringKey({ required, properties, ...schema }: JsonSchema): JsonSchema {
  const { request_id: key, ...others } = properties as Record<string, JsonSchema>;
  return {
    ...schema,
    properties: { request_id: { ...key, description: requestId }, ...others },
    required: ["request_id", ...(Array.isArray(required) ? required : [])],
  };
}
