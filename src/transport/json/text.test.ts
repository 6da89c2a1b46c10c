import { describe, expect, test } from "vitest";
import { DomainError } from "../../domain/failure.ts";
import { findRepeatedKey, parseJson } from "./text.ts";

const parse = (text: string) => parseJson(Buffer.from(text));

/** The one violation for which bytes are refused. */
function faultOf(bytes: string | Buffer) {
  try {
    parseJson(Buffer.from(bytes));
  } catch (error) {
    const failure = error instanceof DomainError ? error.failure : undefined;
    if (failure?.reason !== "INVALID_REQUEST") throw error;
    const [violation, ...others] = failure.violations;
    expect(others).toEqual([]);
    return violation;
  }
  return undefined;
}

describe("parseJson", () => {
  test("reads JSON, with or without a byte order mark", () => {
    expect(parse('{"a":[1,"é"]}')).toEqual({ a: [1, "é"] });
    expect(parse('\uFEFF{"a":1}')).toEqual({ a: 1 });
  });

  test.each([
    ["malformed JSON", Buffer.from('{"a":}'), "", "the body is not valid JSON"],
    ["cut-off JSON", Buffer.from('{"a":1'), "", "the body is not valid JSON at character 6"],
    ["a raw NUL", Buffer.from('{"a":"\0"}'), "", "the body is not valid JSON"],
    ["broken UTF-8", Buffer.from([0x22, 0xff, 0x22]), "", "the body is not valid UTF-8"],
    ["UTF-16", Buffer.from('{"a":1}', "utf16le"), "", "the body is not valid JSON"],
    ["text that speaks of a position", Buffer.from("position 99"), "", /^the body is not valid JSON$/],
    [
      "a duplicate key below the top level",
      Buffer.from('{"a":{"b":[{},{"a":1,"a":1}]}}'),
      "a.b[1].a",
      "given more than once",
    ],
    ["a duplicate key without a name", Buffer.from('{"":1,"":1}'), '""', "given more than once"],
    ["a duplicate key", Buffer.from('{"a":1,"a":1}'), "a", "given more than once"],
    [
      "a duplicate key with a broken escape",
      Buffer.from('{"\\u00zz":1,"\\u00zz":1}'),
      "",
      "the body is not valid JSON",
    ],
  ])("refuses %s", (_name, bytes, field, message) => {
    expect(faultOf(bytes)).toEqual({ field, message: expect.stringMatching(message) });
  });

  test("takes nesting of any depth without overflowing the stack", () => {
    expect(() => parse(`${"[".repeat(100_000)}${"]".repeat(100_000)}`)).not.toThrow();
  });

  const keys = (count: number) => Array.from({ length: count }, (_, index) => `"k${index}":{"a":[1,"\\":"]}`).join(",");
  test("takes objects of 200 keys", () => {
    expect(() => parse(`[{${keys(200)}},{${keys(200)}}]`)).not.toThrow();
    expect(() => parse(`{"a":"${":".repeat(2_000)}"}`)).not.toThrow();
  });

  test("takes bodies of 1,000 keys, and refuses more, unread", () => {
    // With each key comes one of the object that is its value.
    const objects = (count: number) => `[${Array.from({ length: count }, () => `{${keys(50)}}`).join(",")}]`;
    expect(() => parse(objects(10))).not.toThrow();
    for (const text of [objects(11), objects(11).slice(0, -1)]) {
      expect(faultOf(text)).toEqual({ field: "", message: "the body has more than 1000 keys" });
    }
  });

  test.each([`{${keys(201)}}`, `[{"a":{${keys(6_500)}}}]`, `{${keys(201)}`])("refuses more, unread: %.20s", (text) => {
    expect(faultOf(text)).toEqual({ field: "", message: "the body has an object with more than 200 keys" });
  });

  test("a string that is not closed is no JSON", () => {
    expect(faultOf(`{"a":"${'\\"'.repeat(1_000)}`)?.message).toMatch(/^the body is not valid JSON/);
  });
});

describe("findRepeatedKey", () => {
  test.each([
    ['{"a":1,"b":{"a":2},"c":[{"a":3},{"a":4}]}', undefined],
    ['{"a":"a","b":["a","a"]}', undefined],
    ['{"a":"\\"a\\":","b":"{\\\\"}', undefined],
    ['{"a":1,"b":2,"a":3}', "a"],
    ['{"x":{"b":2 , "b"\n:3}}', "x.b"],
    ['[{"k":1},{"k":1,"k":2}]', "[1].k"],
    ['{"a":1,"\\u0061":2}', "a"],
    ['{"":1,"":2}', '""'],
    ['{"a":[1,[2,{"b":[],"c":{"d":{"e":1},"d":2}}]]}', "a[1][1].c.d"],
    ['{"a":{"":{"x":",","x":1}}}', 'a."".x'],
    ['{"a":{"b":1},"c":1,"c":2}', "c"],
    ['{"__proto__":1,"__proto__":2}', "__proto__"],
    ['"a"', undefined],
  ])("%s", (text, key) => {
    expect(findRepeatedKey(text)).toBe(key);
  });
});
