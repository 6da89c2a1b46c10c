/** The well-known types that ProtoJSON does not write as an object of their fields, wrappers and Any aside. */
import type { JsonValue } from "@bufbuild/protobuf";
import { ValueFault } from "./fault.ts";
import { readString } from "./scalars.ts";

/** How deep messages, lists and objects may lie in each other. */
export const maxDepth = 64;

/** A JSON object, not a list and not null. */
export function isJsonObject(value: JsonValue | undefined): value is { [key: string]: JsonValue } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Answers a value in the form that `fromJson` reads. Throws a ValueFault for a value that does not fit.
 * `fromJson` takes the 30th of February and "1.5s and more", and words its faults for programmers.
 */
type Canonicalize = (value: JsonValue, depth: number) => JsonValue;

/** By the type's name. */
export const wellKnownTypes: ReadonlyMap<string, Canonicalize> = new Map<string, Canonicalize>([
  ["google.protobuf.Timestamp", readTimestamp],
  ["google.protobuf.Duration", readDuration],
  ["google.protobuf.FieldMask", readFieldMask],
  ["google.protobuf.Value", readFreeJson],
  ["google.protobuf.Struct", readStruct],
  ["google.protobuf.ListValue", readListValue],
]);

const rfc3339 = /^(\d{4}-\d\d-\d\d)t(\d\d:\d\d:[0-5]\d)(?:(\.\d{1,9})\d*)?(z|[+-]\d\d:\d\d)$/i;
const earliestMs = Date.parse("0001-01-01T00:00:00Z");
const latestMs = Date.parse("9999-12-31T23:59:59.999Z");

/** A time of RFC 3339 in capitals, cut to nanoseconds. */
function readTimestamp(value: JsonValue): JsonValue {
  const [, date, time, fraction = "", offset = ""] = (typeof value === "string" && rfc3339.exec(value)) || [];
  const zone = offset.toUpperCase();
  const ms = instantMs(`${date}T${time}${zone}`);
  if (ms === undefined) throw new ValueFault("must be a time as RFC 3339 writes it, such as 2030-06-01T20:00:00Z");
  if (ms < earliestMs || ms > latestMs) throw new ValueFault("must be between the years 1 and 9999");
  return `${date}T${time}${fraction}${zone}`;
}

/** Temporal knows which days there are; Date makes a day in March of the 30th of February. */
function instantMs(text: string): number | undefined {
  try {
    return Temporal.Instant.from(text).epochMilliseconds;
  } catch {
    return undefined;
  }
}

function readDuration(value: JsonValue): JsonValue {
  const seconds = typeof value === "string" ? /^(-?\d{1,12})(?:\.\d{1,9})?s$/.exec(value)?.[1] : undefined;
  if (seconds === undefined) throw new ValueFault("must be a number of seconds followed by s, such as 1.5s");
  if (Math.abs(Number(seconds)) > 315_576_000_000) throw new ValueFault("must be within 10,000 years");
  return value;
}

function readFieldMask(value: JsonValue): JsonValue {
  const paths = /^(?:[a-zA-Z][a-zA-Z0-9.]*(?:,[a-zA-Z][a-zA-Z0-9.]*)*)?$/;
  if (typeof value === "string" && paths.test(value)) return value;
  throw new ValueFault("must be names of fields separated by commas");
}

function readStruct(value: JsonValue, depth: number): JsonValue {
  if (!isJsonObject(value)) throw new ValueFault("must be an object");
  return readFreeJson(value, depth);
}

function readListValue(value: JsonValue, depth: number): JsonValue {
  if (!Array.isArray(value)) throw new ValueFault("must be a list");
  return readFreeJson(value, depth);
}

function readFreeJson(value: JsonValue, depth: number): JsonValue {
  if (depth > maxDepth) throw new ValueFault("is nested too deeply");
  if (typeof value === "string") return readString(value);
  if (typeof value !== "object" || value === null) return value;
  for (const [key, item] of Object.entries(value)) {
    readString(key);
    readFreeJson(item, depth + 1);
  }
  return value;
}
