import { describe, expect, test } from "vitest";
import { readFlags } from "./flags.ts";

describe("the command", () => {
  test.each([
    [[], "serve"],
    [["--rest-port", "1"], "serve"],
    [["--migrate"], "migrate"],
    [["-migrate"], "migrate"],
    [["--migrate", "--help"], "help"],
    [["-h"], "help"],
    [["--version", "--migrate"], "version"],
  ])("%j: %s", (argv, command) => {
    expect(readFlags(argv)).toMatchObject({ command, problems: [] });
  });
});

describe("waiting for the database", () => {
  test.each([
    [[], undefined],
    [["--wait-for-db"], 60_000],
    [["--wait-for-db=90s"], 90_000],
    [["--wait-for-db", "--migrate"], 60_000],
  ])("%j: %s ms", (argv, waitForDbMs) => {
    expect(readFlags(argv)).toMatchObject({ waitForDbMs, problems: [] });
  });

  test.each(["", "90", "0s"])("--wait-for-db=%s is rejected", (text) => {
    expect(readFlags([`--wait-for-db=${text}`]).problems).toEqual([
      `--wait-for-db: "${text}" is not a duration from 1ms to 10m, such as 250ms, 10s or 1m`,
    ]);
  });
});

describe("values", () => {
  test.each([
    ["after a blank", ["--database-password", "pw"], "pw"],
    ["after =", ["--database-password=pw"], "pw"],
    ["with = inside", ["--database-password=p=w"], "p=w"],
    ["with a dash in front", ["--database-password", "-pw"], "-pw"],
    ["with two dashes in front", ["--database-password", "--pw"], "--pw"],
    ["that look like a flag of ours, after =", ["--database-password=--migrate"], "--migrate"],
  ])("%s", (_, argv, text) => {
    const { given, problems } = readFlags(argv);
    expect(problems).toEqual([]);
    expect(given.map((one) => [one.setting.path, one.text, one.name])).toEqual([
      ["database.password", text, "--database-password"],
    ]);
  });
});

test("a value that is joined to an unknown letter is not repeated", () => {
  expect(readFlags(["-psecret"]).problems).toEqual(["-p is unknown"]);
});

test.each([
  ["-host=0.0.0.0", "-host is unknown; did you mean --host?"],
  ["-auth-mode", "-auth-mode is unknown; did you mean --auth-mode?"],
  ["-oh", "-o is unknown"],
  ["-path", "-p is unknown"],
])("%s does not ask for help", (argument, problem) => {
  expect(readFlags([argument])).toMatchObject({ command: "serve", problems: [problem] });
});

test("-h asks for help", () => {
  expect(readFlags(["-h"])).toMatchObject({ command: "help", problems: [] });
});
