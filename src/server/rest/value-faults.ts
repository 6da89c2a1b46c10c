/** Says what is wrong with a single JSON value for a type, in words to be read after the field's name. */
import { type DescEnum, type JsonValue, ScalarType } from "@bufbuild/protobuf";

/** How deep messages, lists and objects may lie in each other. */
export const maxDepth = 64;

/** A JSON object, not a list and not null. */
export function isJsonObject(value: JsonValue | undefined): value is { [key: string]: JsonValue } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What is wrong with a value for an enum; undefined if it is right. */
export function enumFault(desc: DescEnum, value: JsonValue): string | undefined {
  if (desc.typeName === "google.protobuf.NullValue" && value === null) return undefined;
  if (typeof value === "number" && desc.open) return scalarFault(ScalarType.INT32, value);
  const known = desc.values.some(({ name, jsonName, number }) => [name, jsonName, number].includes(value as never));
  if (known) return undefined;
  const names = desc.values.slice(0, 10).map(({ name }) => name);
  return `must be one of ${names.join(", ")}${desc.values.length > names.length ? ", ..." : ""}`;
}

const digits = /^-?\d{1,30}$/;
const decimal = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const base64 = /^[A-Za-z0-9+/_-]*={0,2}$/;

const integerRanges: ReadonlyMap<ScalarType, readonly [least: bigint, most: bigint]> = new Map([
  [ScalarType.INT32, [-(2n ** 31n), 2n ** 31n - 1n]],
  [ScalarType.SINT32, [-(2n ** 31n), 2n ** 31n - 1n]],
  [ScalarType.SFIXED32, [-(2n ** 31n), 2n ** 31n - 1n]],
  [ScalarType.UINT32, [0n, 2n ** 32n - 1n]],
  [ScalarType.FIXED32, [0n, 2n ** 32n - 1n]],
  [ScalarType.INT64, [-(2n ** 63n), 2n ** 63n - 1n]],
  [ScalarType.SINT64, [-(2n ** 63n), 2n ** 63n - 1n]],
  [ScalarType.SFIXED64, [-(2n ** 63n), 2n ** 63n - 1n]],
  [ScalarType.UINT64, [0n, 2n ** 64n - 1n]],
  [ScalarType.FIXED64, [0n, 2n ** 64n - 1n]],
]);

/** What is wrong with a value for a scalar type; undefined if it is right. */
export function scalarFault(type: ScalarType, value: JsonValue): string | undefined {
  switch (type) {
    case ScalarType.STRING:
      return typeof value === "string" ? stringFault(value) : "must be a string";
    case ScalarType.BOOL:
      return typeof value === "boolean" ? undefined : "must be true or false";
    case ScalarType.BYTES:
      return typeof value === "string" && isBase64(value) ? undefined : "must be base64";
    case ScalarType.DOUBLE:
      return floatFault(value, Number);
    case ScalarType.FLOAT:
      return floatFault(value, (text) => Math.fround(Number(text)));
    default:
      return integerFault(type, value);
  }
}

/** What is wrong with the key of a map entry, which JSON always writes as a string; undefined if it is right. */
export function mapKeyFault(type: ScalarType, key: string): string | undefined {
  if (type !== ScalarType.BOOL) return scalarFault(type, key);
  return key === "true" || key === "false" ? undefined : "must be true or false";
}

const isBase64 = (text: string) => base64.test(text) && text.replace(/=+$/, "").length % 4 !== 1;

function stringFault(text: string): string | undefined {
  if (text.includes("\0")) return "must not contain the character U+0000";
  return text.isWellFormed() ? undefined : "must be valid Unicode; it has half a surrogate pair";
}

function integerFault(type: ScalarType, value: JsonValue): string | undefined {
  const [least, most] = integerRanges.get(type) ?? [0n, 0n];
  if (typeof value === "number") {
    if (!Number.isInteger(value)) return "must be a whole number";
    // JSON.parse has rounded it: what was meant is lost.
    const rounded = !Number.isSafeInteger(value) && most > Number.MAX_SAFE_INTEGER;
    if (rounded) return "is too large for a JSON number; send it as a string";
  } else if (typeof value !== "string" || !digits.test(value)) {
    return "must be a whole number";
  }
  const integer = BigInt(value);
  return integer < least || integer > most ? `must be between ${least} and ${most}` : undefined;
}

function floatFault(value: JsonValue, toFloat: (value: number | string) => number): string | undefined {
  if (value === "NaN" || value === "Infinity" || value === "-Infinity") return undefined;
  if (typeof value !== "number" && (typeof value !== "string" || !decimal.test(value))) return "must be a number";
  return Number.isFinite(toFloat(value)) ? undefined : "is out of range";
}

type WellKnownFault = (value: JsonValue, depth: number) => string | undefined;

/** For each well-known type with a JSON form of its own, but for the wrappers, what is wrong with a value. */
export const wellKnownFaults: ReadonlyMap<string, WellKnownFault> = new Map<string, WellKnownFault>([
  ["google.protobuf.Timestamp", timestampFault],
  ["google.protobuf.Duration", durationFault],
  ["google.protobuf.FieldMask", fieldMaskFault],
  ["google.protobuf.Value", jsonFault],
  ["google.protobuf.Struct", (value, depth) => (isJsonObject(value) ? jsonFault(value, depth) : "must be an object")],
  ["google.protobuf.ListValue", (value, depth) => (Array.isArray(value) ? jsonFault(value, depth) : "must be a list")],
  // The types an Any may hold would have to be known here, and none of ours has one.
  ["google.protobuf.Any", () => "cannot be sent over REST"],
]);

const rfc3339 = /^(\d{4}-\d\d-\d\d)t(\d\d:\d\d:[0-5]\d)(?:(\.\d{1,9})\d*)?(z|[+-]\d\d:\d\d)$/i;

/** A time of RFC 3339 in capitals, cut to nanoseconds; undefined if it is none. */
export function canonicalTime(text: string): string | undefined {
  const [whole, date, time, fraction = "", offset] = rfc3339.exec(text) ?? [];
  return whole && `${date}T${time}${fraction}${offset?.toUpperCase()}`;
}

const earliest = Temporal.Instant.from("0001-01-01T00:00:00Z");
const latest = Temporal.Instant.from("9999-12-31T23:59:59.999999999Z");

function timestampFault(value: JsonValue): string | undefined {
  const fault = "must be a time as RFC 3339 writes it, such as 2030-06-01T20:00:00Z";
  const time = typeof value === "string" ? canonicalTime(value) : undefined;
  if (time === undefined) return fault;
  try {
    const instant = Temporal.Instant.from(time);
    const inRange = Temporal.Instant.compare(earliest, instant) <= 0 && Temporal.Instant.compare(instant, latest) <= 0;
    return inRange ? undefined : "must be between the years 1 and 9999";
  } catch {
    return fault;
  }
}

function durationFault(value: JsonValue): string | undefined {
  const seconds = typeof value === "string" ? /^(-?\d{1,12})(?:\.\d{1,9})?s$/.exec(value)?.[1] : undefined;
  if (seconds === undefined) return "must be a number of seconds followed by s, such as 1.5s";
  return Math.abs(Number(seconds)) <= 315_576_000_000 ? undefined : "must be within 10,000 years";
}

function fieldMaskFault(value: JsonValue): string | undefined {
  const paths = /^(?:[a-zA-Z][a-zA-Z0-9.]*(?:,[a-zA-Z][a-zA-Z0-9.]*)*)?$/;
  return typeof value === "string" && paths.test(value) ? undefined : "must be names of fields separated by commas";
}

function jsonFault(value: JsonValue, depth: number): string | undefined {
  if (depth > maxDepth) return "nested too deeply";
  if (typeof value === "string") return stringFault(value);
  if (typeof value !== "object" || value === null) return undefined;
  for (const [key, item] of Object.entries(value)) {
    const fault = stringFault(key) ?? jsonFault(item, depth + 1);
    if (fault !== undefined) return fault;
  }
  return undefined;
}
