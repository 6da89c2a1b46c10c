/**
 * JSON Schema (2020-12) of messages as JSON: what the service accepts, or what it answers. Schemas of requests describe the
 * usual form of each value. The service also accepts what ProtoJSON allows besides, such as a number in a text, and null for
 * a field that is unset.
 */
import {
  create,
  type DescEnum,
  type DescField,
  type DescMessage,
  getOption,
  type JsonObject,
  type JsonValue,
  ScalarType,
} from "@bufbuild/protobuf";
import { DurationSchema, FeatureSet_FieldPresence, TimestampSchema } from "@bufbuild/protobuf/wkt";
import { createValidator } from "@bufbuild/protovalidate";
import {
  type FieldRules,
  FieldRulesSchema,
  field as fieldOption,
  message as messageOption,
} from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { commentOf } from "./comments.ts";
import type { ExamplesOf } from "./examples.ts";
import { keywordsOf } from "./rules.ts";

export type JsonSchema = JsonObject;

export interface SchemaForm {
  /** How the fields are called: as in the proto (snake_case), or as ProtoJSON has it (lowerCamelCase). */
  readonly names: "proto" | "json";
  /** What the service accepts, or what it answers. */
  readonly direction: "input" | "output";
  /** Whether an object of a request may have keys that are not described. Responses may get new fields. */
  readonly unknownKeys: "refuse" | "allow";
  /** The examples of fields: see examples.ts. */
  readonly examplesOf: ExamplesOf;
  /** The reference to the shared definition of a message or an enum, such as `#/$defs/Concert`. */
  readonly refTo: (desc: DescMessage | DescEnum) => string;
}

export interface SchemaWriter {
  /** The schema of a message as an object, of the fields that are not left out. */
  object(desc: DescMessage, leaveOut?: (field: DescField) => boolean): JsonSchema;
  /** The schema of one field's value. */
  field(field: DescField): JsonSchema;
  /** A reference to the shared definition of a message. */
  ref(desc: DescMessage): JsonSchema;
  /** The definitions of all that was referred to, by reference. */
  definitions(): ReadonlyMap<string, JsonSchema>;
}

/** Creates a writer of schemas of one form. */
export function createSchemaWriter(form: SchemaForm): SchemaWriter {
  const definitions = new Map<string, JsonSchema>();
  const refer = (desc: DescMessage | DescEnum): JsonSchema => {
    const ref = form.refTo(desc);
    if (!definitions.has(ref)) {
      definitions.set(ref, {});
      definitions.set(ref, desc.kind === "enum" ? enumSchema(desc) : writer.object(desc));
    }
    return { $ref: ref };
  };
  const writer: SchemaWriter = {
    object: (desc, leaveOut) => objectSchema(desc, form, writer.field, leaveOut),
    field: (field) => ({ ...describe(field), ...valueSchema(field, form, refer), ...exampleOf(field, form) }),
    ref: refer,
    definitions: () => definitions,
  };
  return writer;
}

/** The name of a field in JSON. */
function nameIn({ names }: Pick<SchemaForm, "names">, field: DescField): string {
  return names === "proto" ? field.name : field.jsonName;
}

function objectSchema(
  desc: DescMessage,
  form: SchemaForm,
  schemaOf: SchemaWriter["field"],
  leaveOut: (field: DescField) => boolean = () => false,
): JsonSchema {
  const fields = desc.fields.filter((field) => !leaveOut(field));
  const isRequired = form.direction === "input" ? requiredFields(desc) : isAlwaysWritten;
  const required = fields.filter(isRequired).map((field) => nameIn(form, field));
  return {
    type: "object",
    ...described([commentOf(desc), ...messageRules(desc)].join("\n\n").trim()),
    properties: Object.fromEntries(fields.map((field) => [nameIn(form, field), schemaOf(field)])),
    ...(required.length > 0 && { required }),
    ...(form.direction === "input" && form.unknownKeys === "refuse" && { additionalProperties: false }),
  };
}

/** The rules of a message as a whole, in words: no keyword compares two fields. */
export function messageRules(desc: DescMessage): string[] {
  const { cel, celExpression, oneof } = getOption(desc, messageOption);
  if (celExpression.length + oneof.length > 0) throw new Error(`${desc.toString()}: a rule of it has no words yet`);
  return cel.map(({ message }) => `Rule: ${message}.`);
}

const validator = createValidator();

/** The fields of a request that may not be left out: those at fault in a message without any. */
function requiredFields(desc: DescMessage): (field: DescField) => boolean {
  const result = validator.validate(desc, create(desc));
  if (result.kind === "error") throw result.error;
  const names = new Set((result.violations ?? []).map(({ field: [first] }) => first?.kind === "field" && first.name));
  return ({ name }) => names.has(name);
}

/** Whether a response always has a field: all but unset messages are written, and a rule may require those. */
function isAlwaysWritten(field: DescField): boolean {
  return field.presence === FeatureSet_FieldPresence.IMPLICIT || getOption(field, fieldOption).required;
}

const described = (description: string) => (description === "" ? {} : { description });
const describe = (field: DescField) => described(commentOf(field));

function exampleOf(field: DescField, { examplesOf }: SchemaForm): JsonSchema {
  const examples = examplesOf(field);
  return examples.length === 0 ? {} : { examples: [...examples] };
}

type Refer = (desc: DescMessage | DescEnum) => JsonSchema;

function valueSchema(field: DescField, form: SchemaForm, refer: Refer): JsonSchema {
  if (field.fieldKind === "map") throw new Error(`${field.toString()}: maps have no schema yet`);
  const rules = getOption(field, fieldOption);
  if (field.fieldKind !== "list") return withRules(singleSchema(field, form, refer), rules, form);
  const { case: kind, value } = rules.type;
  const itemRules = kind === "repeated" ? value.items : undefined;
  const items = withRules(singleSchema(field, form, refer), itemRules ?? create(FieldRulesSchema), form);
  return withRules({ type: "array", items }, rules, form);
}

const withoutNul = "^[^\\u0000]*$";
/** Of a whole text, with nothing but plain characters and classes of those: it has no NUL. */
const positivePattern = /^\^(?:\[[\w-]+\]|[\w-]|\{[\d,]+\})+\$$/;

function withRules(schema: JsonSchema, rules: FieldRules, { direction }: SchemaForm): JsonSchema {
  const { keywords, patterns } = keywordsOf(rules);
  const { pattern, ...base } = schema;
  // The patterns of numbers and durations are narrower than those of their types.
  const isImplied = patterns.some((each) => pattern !== withoutNul || positivePattern.test(each));
  const ofType = typeof pattern === "string" && !isImplied ? [pattern] : [];
  const all = [...ofType, ...patterns];
  return {
    ...base,
    ...keywords,
    ...(direction === "input" && base.format === "int64" && { maximum: Number.MAX_SAFE_INTEGER }),
    ...(all.length === 1 && { pattern: all[0] as JsonValue }),
    ...(all.length > 1 && { allOf: all.map((each) => ({ pattern: each })) }),
  };
}

function singleSchema(field: DescField, { direction }: SchemaForm, refer: Refer): JsonSchema {
  const isInput = direction === "input";
  if (field.enum !== undefined) return isInput ? refer(field.enum) : orLater(refer(field.enum), "value");
  if (field.message?.typeName === TimestampSchema.typeName) {
    return { type: "string", format: "date-time", ...(isInput && { pattern: acceptedTime }) };
  }
  if (field.message?.typeName === DurationSchema.typeName) {
    return { type: "string", pattern: "^-?[0-9]{1,12}(?:\\.[0-9]{1,9})?s$" };
  }
  if (field.message !== undefined) return refer(field.message);
  switch (field.scalar) {
    case ScalarType.STRING:
      return isInput ? { type: "string", pattern: withoutNul } : { type: "string" };
    case ScalarType.BOOL:
      return { type: "boolean" };
    case ScalarType.INT32:
      return isInput
        ? { type: "integer", format: "int32", minimum: -(2 ** 31), maximum: 2 ** 31 - 1 }
        : { type: "integer", format: "int32" };
    case ScalarType.INT64:
      return isInput
        ? { type: ["string", "integer"], format: "int64", minimum: Number.MIN_SAFE_INTEGER, pattern: "^-?[0-9]{1,18}$" }
        : { type: "string", format: "int64", pattern: "^-?[0-9]{1,19}$" };
    case ScalarType.DOUBLE:
      return { type: "number", format: "double" };
    default:
      throw new Error(`${field.toString()}: its type has no schema yet`);
  }
}

/** What responses have now, or a text that a later version adds. */
export function orLater(known: JsonSchema, kind: string): JsonSchema {
  return { anyOf: [known, { type: "string", description: `A ${kind} that a later version of the service adds.` }] };
}

const year = "(?:[1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])";
const hourAndMinute = "(?:[01][0-9]|2[0-3]):[0-5][0-9]";

/** The times that the service accepts: RFC 3339 also has the year 0, and seconds that are leap seconds. */
const acceptedTime = [
  `^${year}-[0-9]{2}-[0-9]{2}`,
  `[Tt]${hourAndMinute}:[0-5][0-9](?:\\.[0-9]+)?`,
  `(?:[Zz]|[+-]${hourAndMinute})$`,
].join("");

/** The values of an enum. The one with the number 0 is left out: the lint rules make it stand for "unset". */
function enumSchema(desc: DescEnum): JsonSchema {
  const values = desc.values.filter(({ number }) => number !== 0);
  const meanings = values.map((value) => `- \`${value.name}\`: ${commentOf(value)}`);
  return {
    type: "string",
    ...described(`${commentOf(desc)}\n\n${meanings.join("\n")}`),
    enum: values.map(({ name }) => name),
  };
}
