/**
 * Writes schemas of custom resources to deploy/kubernetes/schemas, from the definitions (CustomResourceDefinition, YAML) that
 * an operator's project publishes: `npx node scripts/convert-crds.ts FILE...`. A field that the definition does not have is
 * an error in the schema, as it is for `kubectl apply`. Descriptions and the status are left out.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";

interface Schema {
  readonly [keyword: string]: unknown;
}

const schemaSchema: z.ZodType<Schema> = z.record(z.string(), z.unknown());
const definitionSchema = z.object({
  spec: z.object({
    group: z.string(),
    names: z.object({ kind: z.string() }),
    versions: z.array(z.object({ name: z.string(), schema: z.object({ openAPIV3Schema: schemaSchema }) })),
  }),
});
const folder = join(import.meta.dirname, "..", "deploy", "kubernetes", "schemas");

const isSchema = (value: unknown): value is Schema => schemaSchema.safeParse(value).success;
const mapValues = (value: unknown, change: (value: unknown) => unknown): unknown =>
  isSchema(value) ? Object.fromEntries(Object.entries(value).map(([name, each]) => [name, change(each)])) : value;

/** A pattern of Go as one of JavaScript, which has flags for groups only. */
const convertPattern = (pattern: string) => pattern.replace(/\(\?i\)(.*?)(\$?)$/, "(?i:$1)$2");

/** A schema as JSON Schema has it, with only what decides whether a manifest is valid. */
function convert(schema: unknown): unknown {
  if (!isSchema(schema)) return schema;
  const {
    description: _,
    default: __,
    "x-kubernetes-preserve-unknown-fields": isOpen,
    properties,
    items,
    pattern,
    ...rest
  } = schema;
  const kept = Object.entries(rest).filter(([keyword]) => !keyword.startsWith("x-kubernetes-"));
  const isClosed = properties !== undefined && isOpen !== true && !("additionalProperties" in rest);
  return {
    ...Object.fromEntries(kept.map(([keyword, value]) => [keyword, isSchema(value) ? convert(value) : value])),
    ...(properties !== undefined && { properties: mapValues(properties, convert) }),
    ...(items !== undefined && { items: convert(items) }),
    ...(typeof pattern === "string" && { pattern: convertPattern(pattern) }),
    ...(isClosed && { additionalProperties: false }),
  };
}

for (const file of process.argv.slice(2)) {
  const { group, names, versions } = definitionSchema.parse(parse(readFileSync(file, "utf8"))).spec;
  for (const { name: version, schema } of versions) {
    const { status: _, ...properties } = z.record(z.string(), z.unknown()).parse(schema.openAPIV3Schema.properties);
    // The name by which kubeconform looks for it.
    const name = `${names.kind}-${group.split(".")[0]}-${version}.json`.toLowerCase();
    writeFileSync(join(folder, name), `${JSON.stringify(convert({ ...schema.openAPIV3Schema, properties }))}\n`);
  }
}
