/** Times as RFC 3339 allows them, for ProtoJSON's reader, which takes capital letters and nine digits of a second only. */
import type { DescMessage, JsonValue } from "@bufbuild/protobuf";
import { hasCustomJsonRepresentation } from "@bufbuild/protobuf/wkt";
import { findField } from "./fields.ts";
import { canonicalTime, isJsonObject } from "./value-faults.ts";

/** Rewrites all times in the JSON of a message, which has been checked. */
export function rewriteTimes(desc: DescMessage, object: Record<string, JsonValue>): void {
  for (const [key, value] of Object.entries(object)) {
    const field = findField(desc, key);
    if (field?.message === undefined) continue;
    const { fieldKind, message } = field;
    object[key] = fieldKind === "map" ? rewrittenMap(message, value) : rewritten(message, value);
  }
}

function rewrittenMap(desc: DescMessage, value: JsonValue): JsonValue {
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, rewritten(desc, item)]));
}

/** A value of this message, or a list of them. */
function rewritten(desc: DescMessage, value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map((item) => rewritten(desc, item));
  if (desc.typeName === "google.protobuf.Timestamp" && typeof value === "string") return canonicalTime(value) ?? value;
  if (isJsonObject(value) && !hasCustomJsonRepresentation(desc)) rewriteTimes(desc, value);
  return value;
}
