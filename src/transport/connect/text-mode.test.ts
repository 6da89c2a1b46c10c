import { describe, expect, test } from "vitest";
import { decodeText } from "./text-mode.ts";

const decode = (text: string) => Buffer.from(decodeText(Buffer.from(text))).toString();

describe("a text body", () => {
  test.each([
    ["", ""],
    ["YWJj", "abc"],
    ["YWI=", "ab"],
    ["YQ==", "a"],
    ["YQ==YmM=ZGVm", "abcdef"],
    ["YQ==YQ==YQ==", "aaa"],
    ["+/+/", "\ufffd\ufffd\ufffd"],
  ])("is read in each of its pieces: %j", (text, bytes) => expect(decode(text)).toBe(bytes));

  test.each(["YWJ", "YQ=", "YQ", "=", "====", "YQ===", "YWJj\n", "YW Jj", "_-_-", "YQ==YQ", "é"])(
    "is refused if it is not base64: %j",
    (text) => expect(() => decode(text)).toThrow("the body is not base64"),
  );
});

test("each character and each length is decoded as Node does it", () => {
  const bytes = Buffer.from(Array.from({ length: 256 * 3 }, (_, index) => (index * 7) % 256));
  for (let length = 250; length <= bytes.length; length++) {
    const part = bytes.subarray(0, length);
    expect(Buffer.compare(decodeText(Buffer.from(part.toString("base64"))), part)).toBe(0);
  }
});
