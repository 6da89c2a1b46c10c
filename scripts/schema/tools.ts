/** The tools that assistants may call (frontrow/v1/tool.proto), as the Model Context Protocol lists them. */
import { type DescMethod, type DescService, getOption, hasOption, type JsonObject } from "@bufbuild/protobuf";
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
  return {
    method: `${method.parent.typeName}/${method.name}`,
    name,
    title,
    description: commentOf(method),
    inputSchema: hasKey ? requiring(input, "request_id") : input,
    outputSchema: schemaOf(method, "output", examplesOf),
    annotations: {
      readOnlyHint: isReadOnly,
      destructiveHint: destructive,
      idempotentHint: hasKey || method.idempotency !== IdempotencyLevel.IDEMPOTENCY_UNKNOWN,
      openWorldHint: false,
    },
  };
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
  const definitions = [...writer.definitions()].map(([ref, definition]) => [ref.replace("#/$defs/", ""), definition]);
  return definitions.length === 0 ? schema : { ...schema, $defs: Object.fromEntries(definitions) };
}

/** An assistant repeats a call whose result it has not seen, so it must have a key. */
function requiring({ required, ...schema }: JsonSchema, name: string): JsonSchema {
  return { ...schema, required: [name, ...(Array.isArray(required) ? required : [])] };
}
