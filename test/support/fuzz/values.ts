/** Values that no well-behaved client sends, as JSON writes them: some are not even JSON. */
import fc from "fast-check";

/** A value as the text that stands for it in a JSON document. */
export type JsonText = string;

const text = (...values: string[]): JsonText[] => values.map((value) => JSON.stringify(value));

const nastyTexts = text(
  ...["", " ", "\t\n\r", "\0", "abc\0", "\u0001\u001b[2J\u007f", "\u0085\u00a0\u2028\u2029\u3000", "\ufeff", "\uffff"],
  // Half a surrogate pair, right to left, joined, combined, composed by compatibility, four bytes each.
  ...["\ud800", "\udc00\ud800", "\u202e\u2066gpj.", "👩‍👩‍👧‍👦", "e\u0301", `a${"\u0301".repeat(400)}`, "ﬃ", "İıſßΣς"],
  ...["🎸", "🎸".repeat(64), "🎸".repeat(300), "x".repeat(255), "x".repeat(256), "x".repeat(5_000), "١٢", "１２"],
  ...["%", "_", "\\", "%00", "%%%", "___", "\\\\\\", "../..", "..\\..", "$1", "$$", "$(x)", "{{x}}", "%s%n%x", "{0}"],
  ...["'; DROP TABLE concerts; --", "' OR 1=1 --", "/**/", "<script>alert(1)</script>", "x\r\nX-Injected: yes"],
  ...["__proto__", "constructor", "toString", "null", "undefined", "true", "false", "NaN", "-0", "Infinity", "0x10"],
  ...[
    "1e3",
    "1.5",
    "-1",
    "+1",
    "1_000",
    " 1",
    "1 ",
    "01",
    "9223372036854775807",
    "9223372036854775808",
    "9".repeat(400),
  ],
  ...["00000000-0000-0000-0000-000000000000", "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF", "{3b8f2d4e}", "WyJ4IiwiMSJd"],
  ...["USD", "EUR", "JPY", "usd", "XXX", "ＵＳＤ"],
);

const nastyTimes = text(
  ...["2030-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z", "2030-06-30T23:59:60Z"],
  ...["2030-01-01T00:00:00.999999999+23:59", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"],
  ...["0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z", "-000001-01-01T00:00:00Z", "2030-02-30T00:00:00Z", "2030-01-01"],
  ...["2030-01-01T24:00:00Z", "2030-01-01T00:00Z", "2030-01-01 00:00:00Z", "2030-01-01t00:00:00z", "24:00:00Z", "now"],
  ...["2030-01-01T00:00:00.Z", "2030-01-01T00:00:00.0000000001Z", "2030-01-01T00:00:00+00", "infinity", "-infinity"],
  ...["2030-01-01T00:00:00[UTC]", "2030-W01-1T00:00:00Z", "２０３０-01-01T00:00:00Z", "1893456000"],
);

const nastyDurations = text(
  ...[
    "1s",
    "0s",
    "-0s",
    "-1s",
    "1.5s",
    "0.000000001s",
    "1.0000000001s",
    "2100s",
    "2100.000000001s",
    "86400s",
    "86401s",
  ],
  ...[
    "315576000000s",
    "-315576000000s",
    "315576000001s",
    "9223372036854775807s",
    `${"9".repeat(400)}s`,
    `1.${"0".repeat(400)}s`,
  ],
  ...[
    "1",
    "s",
    ".s",
    ".5s",
    "1.s",
    "+1s",
    "01s",
    " 1s",
    "1 s",
    "1S",
    "1ms",
    "1m",
    "1e3s",
    "0x1s",
    "NaNs",
    "Infinitys",
    "PT1S",
    "１s",
  ],
);

const nastyStatuses: JsonText[] = [
  ...text(
    "BOOKING_STATUS_HELD",
    "BOOKING_STATUS_UNSPECIFIED",
    "booking_status_held",
    "HELD",
    "held",
    "BOOKING_STATUS_",
  ),
  ...[
    '["BOOKING_STATUS_HELD",null]',
    '["BOOKING_STATUS_HELD",[]]',
    '["BOOKING_STATUS_HELD",3,"3"]',
    "[0]",
    "[6]",
    "[1.5]",
  ],
  ...[
    "[-1]",
    "[2147483648]",
    `[${"3,".repeat(10)}3]`,
    `[${"3,".repeat(5_000)}3]`,
    '"BOOKING_STATUS_HELD,BOOKING_STATUS_EXPIRED"',
  ],
];

const nastyNumbers: JsonText[] = [
  ...["0", "-0", "0.0", "1", "-1", "100", "101", "0.29", "0.001", "1.5", "1e0", "1E+2", "1e-7", "99999999.99", "1e8"],
  ...["2147483647", "2147483648", "-2147483648", "-2147483649", "4294967296", "9007199254740992", "9007199254740993"],
  ...["9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "1e19", "1e21"],
  ...["18446744073709551615", "18446744073709551616", "1e308", "1e309", "1e400", "-1e400", "5e-324", "1e-400"],
  ...["0.1000000000000000055511151231257827", "9".repeat(400), `0.${"0".repeat(400)}1`, `1${"0".repeat(400)}e-400`],
];

const notJson: JsonText[] = [
  ...["", "NaN", "Infinity", "-Infinity", "undefined", "+1", "01", ".5", "1.", "0x10", "1_000", "1n", "-", "1e", "--1"],
  ...["'x'", '"', '"x', '"\\x41"', '"\\u12"', '"\\u{41}"', '"\t"', '"\u0000"', "True", "nul", "/x/", "new Date()"],
  ...["{", "}", "[", "]", "{]", "[1,]", "[,1]", "{,}", '{"a"}', '{"a":}', '{"a":1,}', "{a:1}", "{1:1}", ":", ","],
];

const nested = (open: string, close: string, inner = "") =>
  fc.constantFrom(2, 50, 99, 101, 500, 2_000).map((depth) => open.repeat(depth) + inner + close.repeat(depth));

const nastyStructures: fc.Arbitrary<JsonText> = fc.oneof(
  fc.constantFrom(
    ...["true", "false", "null", "[]", "{}", "[null]", "[[]]", '{"":null}', '{"a":1,"a":2}', '["a","a"]'],
  ),
  fc.constantFrom(
    '{"seconds":"1","nanos":1}',
    '{"value":"1"}',
    '{"__proto__":{"x":1}}',
    '{"@type":"x"}',
    '{"$ne":null}',
  ),
  nested("[", "]"),
  nested('{"a":', "}", "1"),
  nested('[{"id":', "}]", '"1"'),
  fc.json({ maxDepth: 3, stringUnit: "binary" }),
);

/** Characters of all planes with their halves, controls included. */
const utf16 = fc
  .array(fc.oneof(fc.nat({ max: 0xffff }), fc.nat({ max: 0x7f }), fc.constantFrom(0xd83c, 0xdfb8, 0x200d, 0xfeff)), {
    maxLength: 40,
  })
  .map((units) => JSON.stringify(String.fromCharCode(...units)));

const dates = fc
  .date({ min: new Date("0001-01-01"), max: new Date("9999-12-31"), noInvalidDate: true })
  .map((date) => JSON.stringify(date.toISOString()));

/** Anything that may stand where a value should. */
export const nastyValue: fc.Arbitrary<JsonText> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...nastyTexts) },
  { weight: 4, arbitrary: fc.constantFrom(...nastyNumbers) },
  { weight: 3, arbitrary: fc.constantFrom(...nastyTimes) },
  { weight: 2, arbitrary: fc.constantFrom(...nastyDurations) },
  { weight: 1, arbitrary: fc.constantFrom(...nastyStatuses) },
  { weight: 1, arbitrary: fc.constantFrom(...notJson) },
  { weight: 3, arbitrary: nastyStructures },
  { weight: 2, arbitrary: utf16 },
  { weight: 2, arbitrary: dates },
  fc.double().map(String),
  fc.integer().map(String),
  fc.bigInt({ min: -(2n ** 65n), max: 2n ** 65n }).map((value) => JSON.stringify(String(value))),
);

/** A key that a message does not have, or has under another name. */
export function nastyKey(fields: readonly string[]): fc.Arbitrary<string> {
  const field = fc.constantFrom(...fields);
  return fc.oneof(
    field.map((name) => name.replaceAll(/_(.)/g, (_match, letter: string) => letter.toUpperCase())),
    field.map((name) => name.toUpperCase()),
    field.map((name) => name.replaceAll("_", "")),
    field.map((name) => `${name} `),
    field.map((name) => `${name}.x`),
    field.map((name) => `${name}[]`),
    field.map((name) => `${name}[0]`),
    fc.constantFrom(
      "",
      "nothing",
      "__proto__",
      "constructor",
      "toString",
      "hasOwnProperty",
      "$where",
      "@type",
      "\0",
      "ıd",
    ),
    fc.constantFrom("x".repeat(3_000), "🎸".repeat(60), "[frontrow.v1.x]", "1", "-1", "a.b.c", ".", "..", "userID"),
    fc.string({ unit: "binary", maxLength: 10 }),
  );
}
