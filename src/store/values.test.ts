import fc from "fast-check";
import { DummyDriver, Kysely, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler, sql } from "kysely";
import { describe, expect, test } from "vitest";
import { centsFromNumeric, containsPattern, numericFromCents, timestamptz } from "./values.ts";

const seeded = { seed: 1, numRuns: 500 };

/** The largest total price that an API call can store: a hundred tickets at the highest price. */
const cents = fc.integer({ min: 0, max: 999_999_999_900 });

/** Compiles SQL without a database. */
const db = new Kysely<object>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (kysely) => new PostgresIntrospector(kysely),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
});

describe("money", () => {
  test.each([
    [0, "0.00"],
    [5, "0.05"],
    [29, "0.29"],
    [100, "1.00"],
    [5025, "50.25"],
    [9_999_999_999, "99999999.99"],
    [999_999_999_900, "9999999999.00"],
  ])("%d cents are the numeric %s", (amount, numeric) => {
    expect(numericFromCents(amount)).toBe(numeric);
    expect(centsFromNumeric(numeric)).toBe(amount);
  });

  test("goes to PostgreSQL and back unchanged", () => {
    fc.assert(
      fc.property(cents, (amount) => {
        const numeric = numericFromCents(amount);
        expect(numeric).toMatch(/^\d{1,10}\.\d{2}$/);
        expect(centsFromNumeric(numeric)).toBe(amount);
      }),
      seeded,
    );
  });
});

describe("an instant", () => {
  const parametersOf = (instant: Temporal.Instant) => sql`select ${timestamptz(instant)}`.compile(db).parameters;

  test("is written so that it can be read again, to the microsecond, from the year 1 to 9999", () => {
    const earliest = Temporal.Instant.from("0001-01-01T00:00:00Z").epochMilliseconds * 1_000;
    const latest = Temporal.Instant.from("9999-12-31T23:59:59.999Z").epochMilliseconds * 1_000;
    const microseconds = fc.bigInt({ min: BigInt(earliest), max: BigInt(latest) });
    fc.assert(
      fc.property(microseconds, (value) => {
        const instant = Temporal.Instant.fromEpochNanoseconds(value * 1_000n);
        const [text] = parametersOf(instant);
        // PostgreSQL does not read years with more than four digits or with a sign.
        expect(text).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$/);
        expect(Temporal.Instant.from(String(text)).equals(instant)).toBe(true);
      }),
      seeded,
    );
  });
});

describe("a pattern for texts that contain another", () => {
  /** PostgreSQL's LIKE, for patterns without a trailing backslash. */
  function isLike(text: string, pattern: string): boolean {
    const source = pattern.replaceAll(/\\(.)|[%_]|[^\\%_]/gsu, (part, escaped: string | undefined) => {
      if (part === "%") return ".*";
      if (part === "_") return ".";
      return (escaped ?? part).replaceAll(/[.*+?^${}()|[\]\\/-]/g, "\\$&");
    });
    return new RegExp(`^${source}$`, "su").test(text);
  }

  test.each([
    ["abc", "%abc%"],
    ["100%", "%100\\%%"],
    ["a_b", "%a\\_b%"],
    ["a\\b", "%a\\\\b%"],
    ["\\%_", "%\\\\\\%\\_%"],
  ])("%s gives %s", (text, pattern) => expect(containsPattern(text)).toBe(pattern));

  test("matches exactly the texts that contain it, whatever %, _ and \\ are in it", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "b", "%", "_", "\\", "é"), maxLength: 6 });
    fc.assert(
      fc.property(text, text, text, (before, middle, after) => {
        expect(isLike(before + middle + after, containsPattern(middle))).toBe(true);
        expect(isLike(before, containsPattern(middle))).toBe(before.includes(middle));
      }),
      seeded,
    );
  });
});
