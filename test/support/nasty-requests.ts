/** Generators of requests that are wrong in ways nobody thought of. */
import fc from "fast-check";
import type { JsonObject } from "./bad-input.ts";

const nastyTexts = [
  ...[
    "",
    " ",
    "\0",
    "abc\0",
    "\ud800",
    "\ufeff",
    "\u202e",
    "🎸".repeat(300),
    "x".repeat(5_000),
    "%",
    "_",
    "\\",
    "%00",
    "../..",
  ],
  ...["'; DROP TABLE concerts; --", "{{x}}", "__proto__", "constructor", "null", "undefined", "true", "NaN", "-0"],
  ...[
    "Infinity",
    "0x10",
    "1e3",
    "1.5",
    "-1",
    "9223372036854775807",
    "9223372036854775808",
    "99999999999999999999",
    "١٢",
  ],
  ...["2030-01-01T00:00:00Z", "2030-01-01T00:00:00.999999999+23:59", "2030-02-30T00:00:00Z", "2030-01-01", "24:00:00Z"],
  ...[
    "00000000-0000-0000-0000-000000000000",
    "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
    "WyJ4IiwiMSJd",
    "USD",
    "JPY",
    "usd",
  ],
];
const nastyNumbers = [
  ...[0, -0, 1, -1, 100, 101, 0.29, 0.001, 1.5, 99_999_999.99, 1e8, 1e15, 1e21, 1e300, -1e300, 5e-324],
  ...[2 ** 31 - 1, 2 ** 31, -(2 ** 31), 2 ** 53, 2 ** 53 + 2, 2 ** 63, -(2 ** 63), 2 ** 64],
];

const nastyValue: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(...nastyTexts, ...nastyNumbers, true, false, null, [], {}, [null], [[]], { "": null }),
  fc.jsonValue({ maxDepth: 3, stringUnit: "binary" }),
  fc.integer(),
  fc.double(),
  fc.bigInt({ min: -(2n ** 65n), max: 2n ** 65n }).map(String),
  fc.string({ unit: "binary", maxLength: 300 }),
  // CEL's durations end at 292 years, and with them the rule booking_window.
  fc
    .date({ min: new Date("0001-01-01"), max: new Date("9999-12-31"), noInvalidDate: true })
    .map((date) => date.toISOString()),
);

/** A request that was right before one to three of its fields were replaced, left out or joined by others. */
export function mutated(request: JsonObject, fields: readonly string[]): fc.Arbitrary<JsonObject> {
  const key = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...fields) },
    fc.constantFrom("nothing", "__proto__", "constructor", "USERID", "concertId", "ticketCount", "Name", ""),
    fc.string({ unit: "binary", maxLength: 10 }),
  );
  const value = fc.oneof({ weight: 9, arbitrary: nastyValue }, fc.constant(undefined));
  return fc.array(fc.tuple(key, value), { minLength: 1, maxLength: 3 }).map(
    // A null prototype, so that __proto__ is a key like any other.
    (changes) => Object.assign(Object.create(null), request, Object.fromEntries(changes)) as JsonObject,
  );
}

/** The text of a right request, of which a few characters are cut out, repeated or replaced. */
export function damaged(text: string): fc.Arbitrary<string> {
  const edit = fc.tuple(fc.nat({ max: text.length }), fc.nat({ max: 3 }), fc.string({ unit: "binary", maxLength: 3 }));
  return fc
    .array(edit, { minLength: 1, maxLength: 3 })
    .map((edits) => edits.reduce((result, [at, cut, put]) => result.slice(0, at) + put + result.slice(at + cut), text));
}

/** A body that never was a request. */
export const garbage: fc.Arbitrary<string | Uint8Array> = fc.oneof(
  fc.json({ maxDepth: 4 }),
  fc.string({ unit: "binary", maxLength: 200 }),
  fc.uint8Array({ maxLength: 200 }),
);
