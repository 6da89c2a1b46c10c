/** Binary Protobuf messages with fields as no encoder writes them. */
import { type DescMessage, fromJsonString, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { damaged, garbage, type Members } from "./json-text.ts";

const varint = (value: bigint): number[] => {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return [...bytes, Number(rest)];
};

const number = fc.oneof(
  fc.constantFrom(0n, 1n, -1n, 2n ** 31n, -(2n ** 31n) - 1n, 2n ** 32n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n)),
  fc.constantFrom(253_402_300_800n, -62_135_596_801n, 1_000_000_000n),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
);

/** A varint of more bytes than it needs, which is allowed up to ten. */
const padded = number.map((value) => {
  const bytes = varint(value);
  const last = bytes.length - 1;
  if (bytes.length > 8) return bytes;
  return [...bytes.with(last, (bytes[last] ?? 0) | 0x80), 0x80, 0x00];
});

/** A timestamp or a duration. */
const time = fc.tuple(number, number).map(([seconds, nanos]) => [0x08, ...varint(seconds), 0x10, ...varint(nanos)]);

const bytes: fc.Arbitrary<number[]> = fc.oneof(
  time,
  // Packed numbers, such as the statuses of a list.
  fc.array(fc.oneof(number, fc.bigInt({ min: 0n, max: 6n })), { maxLength: 12 }).map((all) => all.flatMap(varint)),
  fc.string({ unit: "binary", maxLength: 300 }).map((text) => [...Buffer.from(text)]),
  fc
    .constantFrom("\0", "'; DROP TABLE concerts; --", "%_\\", "🎸".repeat(300), "")
    .map((text) => [...Buffer.from(text)]),
  fc.constantFrom<number[]>([0xff, 0xfe], [0xed, 0xa0, 0x80], [0xc0, 0x80], [0xf4, 0x90, 0x80, 0x80]),
  fc.uint8Array({ maxLength: 40 }).map((all) => [...all]),
);

const double = fc.double().map((value) => {
  const buffer = Buffer.alloc(8);
  buffer.writeDoubleLE(value);
  return [...buffer];
});

/** A field with one of the wire types: its own or another. */
const field = fc
  .record({
    no: fc.oneof(fc.integer({ min: 1, max: 12 }), fc.constantFrom(0, 2_047, 19_000, 536_870_911)),
    varint: number,
  })
  .chain(({ no, varint: value }) => {
    const tag = (wireType: number) => varint((BigInt(no) << 3n) | BigInt(wireType));
    return fc.oneof(
      { weight: 4, arbitrary: fc.constant([...tag(0), ...varint(value)]) },
      { weight: 4, arbitrary: bytes.map((all) => [...tag(2), ...varint(BigInt(all.length)), ...all]) },
      { weight: 2, arbitrary: double.map((all) => [...tag(1), ...all]) },
      padded.map((all) => [...tag(0), ...all]),
      fc.constant([...tag(5), 0, 0, 0xc0, 0x7f]),
      fc.constant([...tag(3), ...tag(4)]),
      fc.constantFrom(3, 4, 6, 7).map(tag),
    );
  });

/** A right message with further fields, which win over the first ones; then damaged, or never a message at all. */
export function binaryMessage(desc: DescMessage, right: fc.Arbitrary<Members>): fc.Arbitrary<Buffer> {
  const base = right.map((members) => {
    const json = `{${members.map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(",")}}`;
    return Buffer.from(toBinary(desc, fromJsonString(desc, json)));
  });
  const extended = fc
    .tuple(base, fc.array(field, { maxLength: 3 }))
    .map(([start, fields]) => Buffer.concat([start, ...fields.map((all) => Buffer.from(all))]));
  return fc.oneof(
    { weight: 7, arbitrary: extended },
    { weight: 2, arbitrary: damaged(base) },
    { weight: 1, arbitrary: garbage },
  );
}
