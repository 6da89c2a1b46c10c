/** Values for the fields of requests: the bounds of each schema, and forms that other types have. */
import type { ApiDocument, Schema } from "../../support/openapi/document.ts";

/** What any field is given, whatever its type: the values of other types, and texts that look like them. */
const ofAnyType: readonly unknown[] = [
  ...[null, true, 0, -1, 7, 1.5, 2_147_483_648, 1e300, "", " ", "x", "7", "07", "-1", "1.5", "1e2", "true", "\0"],
  ...[[], [1], ["x"], {}, { x: 1 }],
];

const uuid = "3b8f2d4e-0d5b-4b32-9a55-2f3a8e0a7c11";
const ofFormat: Readonly<Record<string, readonly unknown[]>> = {
  uuid: [uuid, uuid.toUpperCase(), uuid.replaceAll("-", ""), `{${uuid}}`, uuid.replaceAll(/\w/g, "0"), uuid.slice(1)],
  int64: ["1", "9007199254740993", 9_007_199_254_740_991, "9223372036854775807", "9223372036854775808", "+1", " 1"],
  int32: [1, 2_147_483_647, -2_147_483_648],
  double: [0.29, 12.5, 1.005, 99_999_999.99, 100_000_000, -0.01],
  "date-time": [
    ...["2099-06-01T20:00:00Z", "2099-06-01T20:00:00.123456789Z", "2099-06-01T20:00:00+02:00", "2099-06-01T20:00:00"],
    ...["2099-06-01", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "10000-01-01T00:00:00Z", "2099-02-30T00:00:00Z"],
    ...["0000-01-01T00:00:00Z", "2016-12-31T23:59:60Z", "2099-06-01t20:00:00z", "2099-06-01T20:00:00+24:00"],
  ],
};
/** Of formats that JSON Schema has no name for: the end of the pattern, and the values. */
const ofPattern: readonly (readonly [end: string, values: readonly unknown[]])[] = [
  ["s$", ["1s", "1.5s", "0.5s", "0s", "-1s", "86400s", "86400.1s", "86401s", "1.0000000001s", "1", "1m", "PT1S"]],
  ["^[A-Z]{3}$", ["EUR", "JPY", "KWD", "XXX", "eur", "EURO"]],
];

/** Values that are nearly or exactly of the field's format. */
function valuesOfFormat({ format, pattern }: Schema): readonly unknown[] {
  if (format !== undefined) return ofFormat[format] ?? [];
  return ofPattern.find(([end]) => pattern?.endsWith(end))?.[1] ?? [];
}

/** Values on both sides of each bound. */
function boundsOf({ minimum, maximum, minLength, maxLength, maxItems, items, enum: names }: Schema): unknown[] {
  const numbers = [minimum, maximum].filter((bound) => bound !== undefined);
  const lengths = [minLength, maxLength].filter((bound) => bound !== undefined);
  return [
    ...numbers.flatMap((bound) => [bound - 1, bound, bound + 1]),
    // A character that takes two units of UTF-16 counts as one.
    ...lengths.flatMap((bound) =>
      [bound - 1, bound, bound + 1].flatMap((n) => ["x", "🎸"].map((c) => c.repeat(Math.max(0, n)))),
    ),
    ...(names ?? []),
    ...(maxItems === undefined ? [] : [maxItems, maxItems + 1].map((n) => new Array(n).fill(items?.enum?.[0] ?? "x"))),
  ];
}

/** The values to try for a field. Undefined leaves it out. */
export function valuesFor(document: ApiDocument, schema: Schema): unknown[] {
  const whole = document.resolve(schema);
  const items = whole.items && document.resolve(whole.items);
  const known = { ...whole, ...(items && { items }) };
  const inLists = items ? [...(items.enum ?? []), "X", 99].map((item) => [item]) : [];
  const values = [undefined, ...ofAnyType, ...valuesOfFormat(known), ...boundsOf(known), ...inLists];
  return [...new Map(values.map((value) => [JSON.stringify(value), value])).values()];
}
