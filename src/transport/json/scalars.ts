/** Reads single JSON values. Each function throws a ValueFault for a value that does not fit the type. */
import { type DescEnum, type JsonValue, ScalarType } from "@bufbuild/protobuf";
import { base64Decode } from "@bufbuild/protobuf/wire";
import { ValueFault } from "./fault.ts";

/** A value as the generated code keeps it. */
export type ScalarValue = string | number | bigint | boolean | Uint8Array;

/** A value of a scalar type. */
export function readScalar(type: ScalarType, value: JsonValue): ScalarValue {
  switch (type) {
    case ScalarType.STRING:
      return readString(value);
    case ScalarType.BOOL:
      if (typeof value === "boolean") return value;
      throw new ValueFault("must be true or false");
    case ScalarType.BYTES:
      if (typeof value === "string" && isBase64(value)) return base64Decode(value);
      throw new ValueFault("must be base64");
    case ScalarType.DOUBLE:
      return readFloat(value, Number);
    case ScalarType.FLOAT:
      return readFloat(value, (text) => Math.fround(Number(text)));
    default:
      return readInteger(type, value);
  }
}

/** The key of a map's entry, which JSON always writes as a string. */
export function readMapKey(type: ScalarType, key: string): ScalarValue {
  const isBool = type === ScalarType.BOOL && (key === "true" || key === "false");
  return readScalar(type, isBool ? key === "true" : key);
}

/** A number of an enum; undefined for a name that it does not have, if such names are ignored. */
export function readEnum(desc: DescEnum, value: JsonValue, unknown: "refuse" | "ignore"): number | undefined {
  if (desc.typeName === "google.protobuf.NullValue" && value === null) return 0;
  if (typeof value === "number" && desc.open) return Number(readInteger(ScalarType.INT32, value));
  const known = desc.values.find(
    ({ name, jsonName, number }) => value === name || value === jsonName || value === number,
  );
  if (known !== undefined) return known.number;
  if (unknown === "ignore" && typeof value === "string") return undefined;
  const names = desc.values.slice(0, 10).map(({ name }) => name);
  throw new ValueFault(`must be one of ${names.join(", ")}${desc.values.length > names.length ? ", ..." : ""}`);
}

/** A text that PostgreSQL and every client can keep. */
export function readString(value: JsonValue): string {
  if (typeof value !== "string") throw new ValueFault("must be a string");
  if (value.includes("\0")) throw new ValueFault("must not contain the character U+0000");
  if (value.isWellFormed()) return value;
  throw new ValueFault("must be valid Unicode; it has half a surrogate pair");
}

const base64 = /^[A-Za-z0-9+/_-]*={0,2}$/;
const isBase64 = (text: string) => base64.test(text) && text.replace(/=+$/, "").length % 4 !== 1;

const digits = /^-?\d{1,30}$/;
const decimal = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

const signed = (bits: bigint) => [-(2n ** (bits - 1n)), 2n ** (bits - 1n) - 1n] as const;
const unsigned = (bits: bigint) => [0n, 2n ** bits - 1n] as const;

const integerRanges: ReadonlyMap<ScalarType, readonly [least: bigint, most: bigint]> = new Map([
  [ScalarType.INT32, signed(32n)],
  [ScalarType.SINT32, signed(32n)],
  [ScalarType.SFIXED32, signed(32n)],
  [ScalarType.UINT32, unsigned(32n)],
  [ScalarType.FIXED32, unsigned(32n)],
  [ScalarType.INT64, signed(64n)],
  [ScalarType.SINT64, signed(64n)],
  [ScalarType.SFIXED64, signed(64n)],
  [ScalarType.UINT64, unsigned(64n)],
  [ScalarType.FIXED64, unsigned(64n)],
]);

/** A bigint for 64 bits, else a number. */
function readInteger(type: ScalarType, value: JsonValue): bigint | number {
  const [least, most] = integerRanges.get(type) ?? [0n, 0n];
  const isLong = most > Number.MAX_SAFE_INTEGER;
  if (typeof value === "number") {
    if (!Number.isInteger(value)) throw new ValueFault("must be a whole number");
    // JSON.parse has rounded it: what was meant is lost.
    const isRounded = isLong && !Number.isSafeInteger(value);
    if (isRounded) throw new ValueFault("is too large for a JSON number; send it as a string");
  } else if (typeof value !== "string" || !digits.test(value)) {
    throw new ValueFault("must be a whole number");
  }
  // -0 becomes 0.
  const integer = isLong ? BigInt(value) : Number(value) + 0;
  if (integer < least || integer > most) throw new ValueFault(`must be between ${least} and ${most}`);
  return integer;
}

function readFloat(value: JsonValue, toFloat: (value: number | string) => number): number {
  if (value === "NaN" || value === "Infinity" || value === "-Infinity") return Number(value);
  if (typeof value !== "number" && (typeof value !== "string" || !decimal.test(value))) {
    throw new ValueFault("must be a number");
  }
  if (Number.isFinite(toFloat(value))) return Number(value);
  throw new ValueFault("is out of range");
}
