/** Requests in JSON as text, so that they can be wrong in ways that no serializer writes. */
import fc from "fast-check";
import { type JsonText, nastyKey, nastyValue } from "./values.ts";

/** The members of an object in order; a key may come twice, and a value be anything. */
export type Members = readonly (readonly [key: string, value: JsonText])[];

type Change = (members: Members) => Members;

/** Where a change strikes, counted round. */
const place = fc.nat({ max: 99 });

function at(members: Members, index: number, replace: (key: string, value: JsonText) => Members): Members {
  const [key, value] = members[index % members.length] ?? [];
  if (key === undefined || value === undefined) return members;
  const here = index % members.length;
  return [...members.slice(0, here), ...replace(key, value), ...members.slice(here + 1)];
}

/** A number as a string, a string as what it says, and the other way round. */
function otherType(value: JsonText): JsonText {
  return value.startsWith('"') ? value.slice(1, -1) : JSON.stringify(value);
}

function change(fields: readonly string[]): fc.Arbitrary<Change> {
  const field = fc.constantFrom(...fields);
  const anyKey = fc.oneof({ weight: 2, arbitrary: field }, nastyKey(fields));
  return fc.oneof(
    {
      weight: 5,
      arbitrary: fc.tuple(place, nastyValue).map(
        ([i, put]) =>
          (m: Members) =>
            at(m, i, (key) => [[key, put]]),
      ),
    },
    {
      weight: 3,
      arbitrary: fc.tuple(field, nastyValue).map(
        ([key, put]) =>
          (m: Members) =>
            withKey(m, key, put),
      ),
    },
    place.map((i) => (members: Members) => at(members, i, () => [])),
    place.map(
      (i) => (members: Members) =>
        at(members, i, (key, value) => [
          [key, value],
          [key, value],
        ]),
    ),
    fc.tuple(place, nastyValue).map(
      ([i, put]) =>
        (m: Members) =>
          at(m, i, (key, value) => [
            [key, value],
            [key, put],
          ]),
    ),
    fc.tuple(place, nastyKey(fields)).map(
      ([i, name]) =>
        (m: Members) =>
          at(m, i, (_key, value) => [[name, value]]),
    ),
    place.map((i) => (members: Members) => at(members, i, (key, value) => [[key, otherType(value)]])),
    place.map((i) => (members: Members) => at(members, i, (key, value) => [[key, `[${value}]`]])),
    place.map((i) => (members: Members) => at(members, i, (key, value) => [[key, `{"value":${value}}`]])),
    fc.tuple(anyKey, nastyValue).map(([key, put]) => (members: Members) => [...members, [key, put] as const]),
    fc.tuple(anyKey, nastyValue).map(([key, put]) => (members: Members) => [[key, put] as const, ...members]),
  );
}

function withKey(members: Members, key: string, value: JsonText): Members {
  return [...members.filter(([other]) => other !== key), [key, value]];
}

/** Members that were right before up to three changes; with none they still are. */
export function changed(right: fc.Arbitrary<Members>, fields: readonly string[]): fc.Arbitrary<Members> {
  const changes = fc.oneof(
    { weight: 1, arbitrary: fc.constant<Change[]>([]) },
    { weight: 6, arbitrary: fc.array(change(fields), { minLength: 1, maxLength: 3 }) },
  );
  return fc.tuple(right, changes).map(([members, all]) => all.reduce((result, apply) => apply(result), members));
}

const space = fc.oneof(
  { weight: 12, arbitrary: fc.constant("") },
  { weight: 4, arbitrary: fc.constantFrom(" ", "\n", "\t", "\r\n", "  \n\t  ") },
  fc.constantFrom("\u00a0", "\f", "\v", "\ufeff", "\u2028", "\0", "/* x */", "// x\n", "#\n"),
);
const before = fc.oneof(
  { weight: 20, arbitrary: fc.constant("") },
  fc.constantFrom(
    "\ufeff",
    "\ufeff\ufeff",
    " ".repeat(3_000),
    "\0",
    ")]}'\n",
    "// x\n",
    "/**/",
    "[",
    '"',
    "\u00a0",
    "<",
  ),
);
const after = fc.oneof(
  { weight: 20, arbitrary: fc.constant("") },
  fc.constantFrom(",", "}", "]", "{}", "\0", "\n\n", " x", "// x", "\ufeff", " ".repeat(3_000), "\u001a", "null", ";"),
);

/** The object's text, laid out oddly now and then. */
export function laidOut(members: fc.Arbitrary<Members>): fc.Arbitrary<string> {
  return fc
    .record({ members, before, after, space, comma: fc.constantFrom(",", ",", ",", ",", ",", ",", ",,", ";", ", ") })
    .map(({ members, before, after, space, comma }) => {
      const inner = members
        .map(([key, value]) => `${space}${JSON.stringify(key)}${space}:${value}${space}`)
        .join(comma);
      return `${before}{${inner}}${after}`;
    });
}

type Encode = (text: string) => Buffer;

const utf8: Encode = (text) => Buffer.from(text);
const encode = fc.oneof(
  { weight: 30, arbitrary: fc.constant(utf8) },
  fc.constantFrom<Encode>(
    (text) => Buffer.from(text, "utf16le"),
    (text) => Buffer.from(`\ufeff${text}`, "utf16le"),
    (text) => Buffer.from(`\ufeff${text}`, "utf16le").swap16(),
    (text) => Buffer.from(text, "latin1"),
    // What some databases call UTF-8: each half of a pair encoded by itself.
    (text) => Buffer.concat([utf8(text), Buffer.of(0xed, 0xa0, 0x80)]),
  ),
);

/** The text's bytes, in another encoding now and then. */
export function encoded(text: fc.Arbitrary<string>): fc.Arbitrary<Buffer> {
  return fc.tuple(text, encode).map(([value, toBytes]) => toBytes(value));
}

/** Bytes of which a few are cut out, repeated or replaced. */
export function damaged(bytes: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> {
  const edit = fc.tuple(fc.nat({ max: 9_999 }), fc.nat({ max: 4 }), fc.uint8Array({ maxLength: 4 }));
  return fc.tuple(bytes, fc.array(edit, { minLength: 1, maxLength: 3 })).map(([whole, edits]) =>
    edits.reduce((result, [position, cut, put]) => {
      const start = position % (result.length + 1);
      return Buffer.concat([result.subarray(0, start), put, result.subarray(start + cut)]);
    }, whole),
  );
}

/** Bytes that never were a request. */
export const garbage: fc.Arbitrary<Buffer> = fc.oneof(
  fc.json({ maxDepth: 4 }).map(utf8),
  nastyValue.map(utf8),
  fc.string({ unit: "binary", maxLength: 200 }).map(utf8),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc.constantFrom(0, 0x20, 0x22, 0x5b, 0x7b, 0xff).map((byte) => Buffer.alloc(3_000, byte)),
);
