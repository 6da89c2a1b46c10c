import { describe, expect, test } from "vitest";
import { joinEnvelopes, splitEnvelopes } from "./envelopes.ts";

const split = (bytes: number[], maxBytes = 100) => splitEnvelopes(Uint8Array.from(bytes), maxBytes);

describe("the envelopes of a body", () => {
  test.each<[what: string, bytes: number[], data: number[][], isCutOff: boolean]>([
    ["none", [], [], false],
    ["an empty one", [0, 0, 0, 0, 0], [[]], false],
    ["one", [0, 0, 0, 0, 2, 7, 8], [[7, 8]], false],
    ["two", [0, 0, 0, 0, 1, 7, 1, 0, 0, 0, 1, 8], [[7], [8]], false],
    ["one cut off", [0, 0, 0, 0, 2, 7], [], true],
    ["one and the beginning of a prefix", [0, 0, 0, 0, 1, 7, 0, 0], [[7]], true],
    ["a prefix that nothing follows", [0, 0, 0, 0, 2], [], false],
  ])("%s", (_, bytes, data, isCutOff) => {
    const body = split(bytes);
    expect(body.envelopes.map((envelope) => [...envelope.data])).toEqual(data);
    expect(body.isCutOff).toBe(isCutOff);
  });

  test("are refused if one of them is over the limit, wherever it stands", () => {
    expect(() => split([0, 0, 0, 0, 101])).toThrow("message size 101 is larger than configured readMaxBytes 100");
    expect(() => split([0, 0, 0, 0, 0, 0, 255, 255, 255, 255])).toThrow("message size 4294967295 is larger");
  });
});

test("joined envelopes are split again", () => {
  const envelopes = [
    { flags: 1, data: Buffer.from("first") },
    { flags: 0, data: Buffer.alloc(0) },
    { flags: 0x80, data: Buffer.from("last") },
  ];
  expect(splitEnvelopes(joinEnvelopes(envelopes), 100)).toEqual({ envelopes, isCutOff: false });
});
