/** The examples of fields: protovalidate's rule `example`. */
import { type DescField, type DescMessage, getOption, isMessage, type JsonValue, toJson } from "@bufbuild/protobuf";
import { type Duration, DurationSchema, type Timestamp, TimestampSchema } from "@bufbuild/protobuf/wkt";
import { type FieldRules, field as fieldOption } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";

/** The examples of a field, as JSON. */
export type ExamplesOf = (field: DescField) => readonly JsonValue[];

/**
 * Finds the examples of fields. A field without an example has that of a field of the same name and type: each name has
 * its examples once, preferably in a message that is never validated, because each rule of a request costs time.
 */
export function createExamples(messages: readonly DescMessage[]): ExamplesOf {
  const fields = messages.flatMap(({ fields }) => fields);
  const byName = new Map<string, readonly JsonValue[]>();
  for (const field of fields) {
    const own = ownExamples(field);
    if (own.length > 0 && !byName.has(nameAndType(field))) byName.set(nameAndType(field), own);
  }
  return (field) => {
    const own = ownExamples(field);
    return own.length > 0 ? own : (byName.get(nameAndType(field)) ?? []);
  };
}

function nameAndType({ name, fieldKind, scalar, message, enum: desc }: DescField): string {
  return [name, fieldKind, scalar ?? message?.typeName ?? desc?.typeName].join(" ");
}

function ownExamples(field: DescField): JsonValue[] {
  const rules = getOption(field, fieldOption);
  return examplesIn(rules).map((value): JsonValue => {
    if (typeof value === "bigint") return String(value);
    if (isMessage(value, TimestampSchema)) return toJson(TimestampSchema, value);
    if (isMessage(value, DurationSchema)) return toJson(DurationSchema, value);
    return value;
  });
}

type Example = string | number | bigint | boolean | Timestamp | Duration;

function examplesIn({ type }: FieldRules): readonly Example[] {
  switch (type.case) {
    case "string":
    case "int32":
    case "int64":
    case "double":
    case "bool":
    case "timestamp":
    case "duration":
      return type.value.example;
    default:
      return [];
  }
}
