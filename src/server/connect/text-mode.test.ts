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
