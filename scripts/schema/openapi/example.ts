import type { JsonObject, JsonValue } from "@bufbuild/protobuf";

type Definitions = ReadonlyMap<string, JsonObject>;

/** Values of required fields that have no example. */
const plain: Readonly<Record<string, JsonValue>> = { string: "", boolean: false, integer: 0, number: 0 };

/** An example of a schema: of an object, all fields that have an example or are required. Undefined if there is none. */
function exampleFrom(schema: JsonObject, definitions: Definitions): JsonValue | undefined {
  const { $ref, anyOf, examples, enum: values, type, items, properties, required = [] } = schema;
  if (typeof $ref === "string") return exampleFrom(definitions.get($ref) ?? {}, definitions);
  if (Array.isArray(examples)) return examples[0];
  if (Array.isArray(anyOf)) return exampleFrom(anyOf[0] as JsonObject, definitions);
  if (Array.isArray(values)) return values[0];
  if (type === "array") {
    const item = exampleFrom(items as JsonObject, definitions);
    return item === undefined ? [] : [item];
  }
  if (type !== "object") return undefined;
  const entries = Object.entries(properties as Record<string, JsonObject>).flatMap(([name, property]) => {
    const isRequired = Array.isArray(required) && required.includes(name);
    const example = exampleFrom(property, definitions) ?? (isRequired ? plain[String(property.type)] : undefined);
    return example === undefined ? [] : [[name, example] as const];
  });
  return Object.fromEntries(entries);
}

/** The JSON of a body with its example. */
export function jsonContent(schema: JsonObject, definitions: Definitions): JsonObject {
  const example = exampleFrom(schema, definitions);
  return { schema, ...(example !== undefined && { example }) };
}
