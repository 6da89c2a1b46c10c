/**
 * Says in plain words what is wrong with a JSON value for a message, field by field and all at once.
 *
 * `fromJson` stops at the first fault, words it for programmers, does not always name the field, and takes some things
 * that would surprise a client: the 30th of February, a rounded 64-bit number, "0x10" for 16.
 */
import { type DescEnum, type DescField, type DescMessage, type JsonValue, ScalarType } from "@bufbuild/protobuf";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";
import type { Violation } from "../../domain/errors.ts";
import { findField } from "./fields.ts";

const maxDepth = 64;
const maxViolations = 20;
const maxFieldNameLength = 100;

/** The violations of one request, as many as an answer should hold. */
export interface ViolationList {
  readonly violations: Violation[];
  add(field: string, message: string): void;
}

/** An empty list. */
export function createViolationList(): ViolationList {
  const violations: Violation[] = [];
  const add = (field: string, message: string) => {
    if (violations.length < maxViolations) violations.push({ field: field.slice(0, maxFieldNameLength), message });
  };
  return { violations, add };
}

/** Checks the value of a message. `path` is the field that holds it, empty for the request itself. */
export function checkMessage(desc: DescMessage, value: JsonValue, path: string, list: ViolationList, depth = 0): void {
  if (depth > maxDepth) return list.add(path, "nested too deeply");
  const wrapped = isWrapperDesc(desc) ? desc.fields[0] : undefined;
  if (wrapped !== undefined) return checkSingle(wrapped, value, path, list, depth);
  const checkWellKnown = wellKnownChecks.get(desc.typeName);
  if (checkWellKnown !== undefined) {
    const fault = checkWellKnown(value, depth);
    if (fault !== undefined) list.add(path, fault);
    return;
  }
  if (!isJsonObject(value)) return list.add(path, "must be an object");
  checkFields(desc, value, path, list, depth);
}

/** A JSON object, not a list and not null. */
export function isJsonObject(value: JsonValue | undefined): value is { [key: string]: JsonValue } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function checkFields(
  desc: DescMessage,
  object: Record<string, JsonValue>,
  path: string,
  list: ViolationList,
  depth: number,
) {
  const seen = new Set<DescField>();
  const oneofs = new Map<string, DescField>();
  for (const key of Object.keys(object)) {
    const field = findField(desc, key);
    const fieldPath = path === "" ? (field?.name ?? key) : `${path}.${field?.name ?? key}`;
    const value = object[key] ?? null;
    if (field === undefined) {
      list.add(fieldPath, "unknown field");
      continue;
    }
    if (seen.has(field)) list.add(fieldPath, "given more than once");
    seen.add(field);
    if (field.oneof !== undefined && value !== null) {
      const other = oneofs.get(field.oneof.name);
      if (other !== undefined) list.add(fieldPath, `must not be given together with ${other.name}`);
      oneofs.set(field.oneof.name, field);
    }
    // Null means the same as leaving the field out.
    if (value !== null) checkField(field, value, fieldPath, list, depth);
  }
}

function checkField(field: DescField, value: JsonValue, path: string, list: ViolationList, depth: number): void {
  if (field.fieldKind === "list") {
    if (!Array.isArray(value)) return list.add(path, "must be a list");
    for (const [index, item] of value.entries()) checkSingle(field, item, `${path}[${index}]`, list, depth);
    return;
  }
  if (field.fieldKind === "map") {
    if (!isJsonObject(value)) return list.add(path, "must be an object");
    for (const [key, item] of Object.entries(value)) {
      const keyPath = `${path}[${JSON.stringify(key)}]`;
      const mapKey = field.mapKey === ScalarType.BOOL ? key === "true" || (key !== "false" && key) : key;
      const fault = scalarFault(field.mapKey, mapKey);
      if (fault !== undefined) list.add(keyPath, `its key ${fault}`);
      checkSingle(field, item, keyPath, list, depth);
    }
    return;
  }
  checkSingle(field, value, path, list, depth);
}

/** Checks one value of a field: the field's own, or one of its list or map. */
function checkSingle(field: DescField, value: JsonValue, path: string, list: ViolationList, depth: number): void {
  if (field.message !== undefined && (value !== null || field.message.typeName === "google.protobuf.Value")) {
    return checkMessage(field.message, value, path, list, depth + 1);
  }
  const fault =
    field.scalar !== undefined
      ? scalarFault(field.scalar, value)
      : field.enum !== undefined
        ? enumFault(field.enum, value)
        : "must not be null";
  if (fault !== undefined) list.add(path, fault);
}

function enumFault(desc: DescEnum, value: JsonValue): string | undefined {
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

function scalarFault(type: ScalarType, value: JsonValue): string | undefined {
  switch (type) {
    case ScalarType.STRING:
      return typeof value === "string" ? stringFault(value) : "must be a string";
    case ScalarType.BOOL:
      return typeof value === "boolean" ? undefined : "must be true or false";
    case ScalarType.BYTES:
      if (typeof value === "string" && base64.test(value) && value.replace(/=+$/, "").length % 4 !== 1) return undefined;
      return "must be base64";
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return floatFault(type, value);
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return integerFault(value, -(2n ** 31n), 2n ** 31n - 1n);
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return integerFault(value, 0n, 2n ** 32n - 1n);
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return integerFault(value, -(2n ** 63n), 2n ** 63n - 1n);
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return integerFault(value, 0n, 2n ** 64n - 1n);
  }
}

function stringFault(text: string): string | undefined {
  if (text.includes("\0")) return "must not contain the character U+0000";
  return text.isWellFormed() ? undefined : "must be valid Unicode; it has half a surrogate pair";
}

function integerFault(value: JsonValue, least: bigint, most: bigint): string | undefined {
  if (typeof value === "number") {
    if (!Number.isInteger(value)) return "must be a whole number";
    // JSON.parse has rounded it: what was meant is lost.
    if (!Number.isSafeInteger(value) && most > 2n ** 32n) return "is too large for a JSON number; send it as a string";
  } else if (typeof value !== "string" || !digits.test(value)) {
    return "must be a whole number";
  }
  const integer = BigInt(value);
  return integer < least || integer > most ? `must be between ${least} and ${most}` : undefined;
}

function floatFault(type: ScalarType.DOUBLE | ScalarType.FLOAT, value: JsonValue): string | undefined {
  if (value === "NaN" || value === "Infinity" || value === "-Infinity") return undefined;
  if (typeof value !== "number" && (typeof value !== "string" || !decimal.test(value))) return "must be a number";
  const float = type === ScalarType.FLOAT ? Math.fround(Number(value)) : Number(value);
  return Number.isFinite(float) ? undefined : "is out of range";
}

type WellKnownCheck = (value: JsonValue, depth: number) => string | undefined;

const wellKnownChecks: ReadonlyMap<string, WellKnownCheck> = new Map<string, WellKnownCheck>([
  ["google.protobuf.Timestamp", (value) => timestampFault(value)],
  ["google.protobuf.Duration", (value) => durationFault(value)],
  ["google.protobuf.FieldMask", (value) => fieldMaskFault(value)],
  ["google.protobuf.Value", (value, depth) => jsonFault(value, depth)],
  ["google.protobuf.Struct", (value, depth) => (isJsonObject(value) ? jsonFault(value, depth) : "must be an object")],
  ["google.protobuf.ListValue", (value, depth) => (Array.isArray(value) ? jsonFault(value, depth) : "must be a list")],
  // The types an Any may hold would have to be known here, and none of ours has one.
  ["google.protobuf.Any", () => "cannot be sent over REST"],
]);

const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;
const earliest = Temporal.Instant.from("0001-01-01T00:00:00Z");
const latest = Temporal.Instant.from("9999-12-31T23:59:59.999999999Z");

function timestampFault(value: JsonValue): string | undefined {
  const fault = "must be a time as RFC 3339 writes it, such as 2030-06-01T20:00:00Z";
  if (typeof value !== "string" || !rfc3339.test(value)) return fault;
  try {
    const instant = Temporal.Instant.from(value);
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
