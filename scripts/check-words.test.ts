import { expect, it } from "vitest";
import { findBannedWords } from "./check-words.ts";

it("names the line, the word and what to write", () => {
  expect(findBannedWords("fine\nWhoever asks\n")).toEqual([
    { line: 2, found: "Whoever", instead: "the client, the caller, or the thing that acts" },
  ]);
});

it("finds a phrase that goes on in the next line of a comment", () => {
  const texts = [
    "/**\n * a pool of its\n * own */",
    "// a pool of its\n// own",
    "# a pool of its\n# own",
    "a pool of its\nown",
  ];
  expect(texts.map((text) => findBannedWords(text).map(({ found }) => found))).toEqual(texts.map(() => ["of its own"]));
});

it("finds the plural of a phrase", () => {
  expect(findBannedWords("callers who wait, a client who waits")).toHaveLength(2);
});

it("takes a word for itself only, and not for a part of another", () => {
  expect(findBannedWords("history, here, there, whomsoever, nobodyElse")).toEqual([]);
});

it("allows the name of the system user in quotes", () => {
  expect(findBannedWords('user "nobody" or `nobody`')).toEqual([]);
  expect(findBannedWords('name: "nobody else"')).toHaveLength(1);
});
