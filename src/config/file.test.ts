import { describe, expect, test } from "vitest";
import { readYaml } from "./file.ts";

describe("values in a file", () => {
  test.each<[string, Record<string, string>]>([
    ["", {}],
    ["# nothing\n", {}],
    ["database:\n", {}],
    ["rest_port: ~\nhost: null", {}],
    ["rest_port: 080\r\nhost: 'a'\r\n", { rest_port: "080", host: "a" }],
    ['\uFEFFhost: "null"', { host: "null" }],
    [
      "database: {password: 0123, name: on, username: 1e3}",
      { "database.password": "0123", "database.name": "on", "database.username": "1e3" },
    ],
    ["cors_origins: [https://a.example, 'https://b.example']", { cors_origins: "https://a.example,https://b.example" }],
    ["cors_origins: []", { cors_origins: "" }],
    ["cors_origins:\n  - '*'\n", { cors_origins: "*" }],
    ["host: &a db\ndatabase: {host: *a}", { host: "db", "database.host": "db" }],
  ])("%j", (yaml, expected) => {
    const { given, problems } = readYaml("file", yaml);
    expect(problems).toEqual([]);
    expect(Object.fromEntries(given.map(({ setting, text }) => [setting.path, text]))).toEqual(expected);
  });
});

describe("reports invalid YAML with file and line", () => {
  test.each([
    ["host: a\n\tb: c", "file, line 2: not valid YAML (tab as indent)"],
    ["host: a\nhost: b", "file, line 2: not valid YAML (duplicate key)"],
    ["host: a\nrest_port: {", "file, line 2: not valid YAML (bad indent)"],
    ["host: a\n---\nhost: b", "file, line 2: not valid YAML (multiple docs)"],
    ["host: a\nrest_port: !x 1", "file, line 2: not valid YAML (tag resolve failed)"],
    ["host: a\n[a]: b", "file, line 2: not valid YAML (non string key)"],
    ["host: a\ncors_origins: *", "file, line 2: not valid YAML (bad alias); a value that begins with * needs quotes"],
    ["cors_origins: *all", "file: not valid YAML (bad alias); a value that begins with * needs quotes"],
    ["- a", 'file: does not consist of lines like "rest_port: 8080"'],
    ["rest_port:8080", 'file: does not consist of lines like "rest_port: 8080"'],
    ["cors_origins: [{a: b}]", "file: cors_origins is a list with more than plain values in it"],
  ])("%j", (yaml, problem) => {
    expect(readYaml("file", yaml)).toMatchObject({ given: [], problems: expect.arrayContaining([problem]) });
  });
});

test("reports the first errors of a file that has many", () => {
  expect(readYaml("file", "[".repeat(1_000)).problems).toHaveLength(5);
});
