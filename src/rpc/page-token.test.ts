import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DomainError } from "../domain/failure.ts";
import { decodePageToken, encodePageToken, type ListIdentity, parseTokenId, parseTokenInstant } from "./page-token.ts";

const seeded = { seed: 1, numRuns: 500 };

const list: ListIdentity = [
  "concerts",
  undefined,
  "old mill",
  undefined,
  undefined,
  "2030-01-01T00:00:00Z",
  true,
  false,
];

/** The reason of the failure that a call raises. Other errors are rethrown. */
function reasonOf(call: () => unknown): string | undefined {
  try {
    call();
    return undefined;
  } catch (error) {
    if (error instanceof DomainError) return error.failure.reason;
    throw error;
  }
}

const part = fc.option(fc.oneof(fc.string({ unit: "binary" }), fc.boolean()), { nil: undefined });
const lists = fc.array(part, { maxLength: 8 });

describe("a token", () => {
  test("decodes to its position for its own list, and for no other", () => {
    const position = fc.array(fc.string({ unit: "grapheme" }), { maxLength: 3 });
    fc.assert(
      fc.property(lists, lists, position, (one, other, parts) => {
        const token = encodePageToken(one, parts);
        expect(decodePageToken(one, token)).toEqual(parts);
        const same =
          JSON.stringify(one.map((each) => each ?? null)) === JSON.stringify(other.map((each) => each ?? null));
        expect(reasonOf(() => decodePageToken(other, token))).toBe(same ? undefined : "INVALID_PAGE_TOKEN");
      }),
      seeded,
    );
  });

  test("needs no escaping in a URL, and fits the schema's limit", () => {
    const token = encodePageToken(list, ["9999-12-31T23:59:59.999999Z", String(2n ** 63n - 1n)]);
    expect(token).toMatch(/^[\w-]{1,512}$/);
  });

  test("that was not created by the service is rejected", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: "binary" }), fc.base64String(), fc.json()), (text) => {
        expect(reasonOf(() => decodePageToken(list, text))).toBe("INVALID_PAGE_TOKEN");
        const encoded = Buffer.from(text).toString("base64url");
        expect(reasonOf(() => decodePageToken(list, encoded))).toBe("INVALID_PAGE_TOKEN");
      }),
      seeded,
    );
  });

  test.each(['{"0":"x"}', "null", "[]", "[1]", "[null]", '[["x"]]', '"x"', "12"])("is not %s", (json) => {
    const token = Buffer.from(json).toString("base64url");
    expect(reasonOf(() => decodePageToken(list, token))).toBe("INVALID_PAGE_TOKEN");
  });

  test("with any bit of its digest changed is rejected", () => {
    const bytes = Buffer.from(encodePageToken(list, ["1"]), "base64url");
    // The token is `["` and twelve characters of digest.
    for (const index of Array.from({ length: 12 }, (_, offset) => offset + 2)) {
      for (const bit of [1, 2, 4, 8, 16, 32, 64, 128]) {
        const changed = Buffer.from(bytes);
        changed[index] = (changed[index] ?? 0) ^ bit;
        expect(reasonOf(() => decodePageToken(list, changed.toString("base64url")))).toBe("INVALID_PAGE_TOKEN");
      }
    }
  });
});

describe("an id in a token", () => {
  test.each([1n, 10n, 2n ** 53n + 1n, 2n ** 63n - 1n])("may be %d", (id) => {
    expect(parseTokenId(String(id))).toBe(id);
  });

  test.each([undefined, "", "0", "-1", "01", "+1", "1.5", "1e3", "0x1", " 1", "1 ", "1\n", "١", "9223372036854775808"])(
    "may not be %j",
    (text) => expect(reasonOf(() => parseTokenId(text))).toBe("INVALID_PAGE_TOKEN"),
  );

  test("may not have a million digits", () => {
    expect(reasonOf(() => parseTokenId("9".repeat(1_000_000)))).toBe("INVALID_PAGE_TOKEN");
  });
});

describe("an instant in a token", () => {
  test("may be any instant of the schema, to the microsecond", () => {
    const microseconds = fc.bigInt({ min: -62_135_596_800_000_000n, max: 253_402_300_799_999_999n });
    fc.assert(
      fc.property(microseconds, (value) => {
        const instant = Temporal.Instant.fromEpochNanoseconds(value * 1_000n);
        expect(parseTokenInstant(instant.toString()).equals(instant)).toBe(true);
      }),
      seeded,
    );
  });

  test.each([
    undefined,
    "",
    "now",
    "infinity",
    "2030-01-01",
    "2030-02-30T00:00:00Z",
    "2030-13-01T00:00:00Z",
    "2030-01-01T25:00:00Z",
    "2030-01-01T00:00:00",
    "2030-01-01T00:00:00+01:00",
    "2030-01-01T00:00:00.1234567Z",
    "2030-01-01T00:00:00Z[UTC]",
    "0000-01-01T00:00:00Z",
    "-000001-01-01T00:00:00Z",
    "+010000-01-01T00:00:00Z",
    "10000-01-01T00:00:00Z",
  ])("may not be %j", (text) => expect(reasonOf(() => parseTokenInstant(text))).toBe("INVALID_PAGE_TOKEN"));
});
