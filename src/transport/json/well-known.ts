/** The well-known types that ProtoJSON does not write as an object of their fields, wrappers and Any aside. */
import type { JsonValue } from "@bufbuild/protobuf";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { ValueFault } from "./fault.ts";
import { readString } from "./scalars.ts";
import { isJsonObject } from "./text.ts";

/** The deepest nesting of messages, lists and objects. */
export const maxDepth = 64;

const rfc3339 =
  /^(\d{4}-\d\d-(\d\d))t((?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)(?:(\.\d{1,9})\d*)?(z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/i;
const earliestMs = Date.parse("0001-01-01T00:00:00Z");
const latestMs = Date.parse("9999-12-31T23:59:59Z");

/** The fields of a Timestamp. RFC 3339 allows lower-case letters, and more than nine digits of a second, which are cut off. */
export function readTimestamp(value: JsonValue): Pick<Timestamp, "seconds" | "nanos"> {
  const [, date, day, time, fraction = "", offset = ""] = (typeof value === "string" && rfc3339.exec(value)) || [];
  const ms = Date.parse(`${date}T${time}${offset.toUpperCase()}`);
  // Date turns February 30 into a day in March.
  const isDay = Number(day) <= 28 || new Date(`${date}T00:00:00Z`).getUTCDate() === Number(day);
  if (!isDay || Number.isNaN(ms)) {
    throw new ValueFault("must be a time as RFC 3339 writes it, such as 2030-06-01T20:00:00Z");
  }
  if (ms < earliestMs || ms > latestMs) throw new ValueFault("must be between the years 1 and 9999");
  return { seconds: BigInt(ms / 1_000), nanos: Number(fraction.slice(1).padEnd(9, "0")) };
}

/**
 * Returns a value in the form that `fromJson` reads. Throws a ValueFault for a value that does not fit. `fromJson` accepts
 * "1.5s and more", and its messages are for programmers.
 */
type Canonicalize = (value: JsonValue, depth: number) => JsonValue;

/** By the type's name. Timestamp is not among them: times are the most frequent and skip `fromJson`. */
export const wellKnownTypes: ReadonlyMap<string, Canonicalize> = new Map<string, Canonicalize>([
  ["google.protobuf.Duration", readDuration],
  ["google.protobuf.FieldMask", readFieldMask],
  ["google.protobuf.Value", readFreeJson],
  ["google.protobuf.Struct", readStruct],
  ["google.protobuf.ListValue", readListValue],
]);

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
  // JSON.parse turns 1e400 into Infinity, which JSON cannot write.
  if (typeof value === "number" && !Number.isFinite(value)) throw new ValueFault("is out of range");
  if (typeof value !== "object" || value === null) return value;
  for (const [key, item] of Object.entries(value)) {
    readString(key);
    readFreeJson(item, depth + 1);
  }
  return value;
}
