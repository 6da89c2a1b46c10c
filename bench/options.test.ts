import { expect, test } from "vitest";
import { readOptions, UsageError } from "./options.ts";

test("without arguments the run is a full one", () => {
  expect(readOptions([])).toEqual({
    command: "run",
    kind: "full",
    continues: false,
    again: [],
    only: [],
    subjects: [],
    secondsAMeasurement: 5,
    rounds: 5,
    profileFolder: undefined,
    isTrial: false,
  });
});

test("a run that was interrupted can be continued", () => {
  expect(readOptions(["--continue"])).toMatchObject({ kind: "full", continues: true, isTrial: false });
  expect(() => readOptions(["--continue", "--quick"])).toThrow(UsageError);
});

test("parts of a full run can be measured once more", () => {
  expect(readOptions(["--again", "abuser"])).toMatchObject({ continues: true, again: ["abuser"], isTrial: false });
  expect(() => readOptions(["--again", "abuser", "--quick"])).toThrow(UsageError);
});

test("a quick run has at least three pairs", () => {
  expect(readOptions(["--quick"])).toMatchObject({ kind: "quick", rounds: 3, isTrial: false });
});

test("an option that changes what is measured makes the run a trial", () => {
  expect(readOptions(["--only", "gRPC", "--only", "REST"])).toMatchObject({ only: ["gRPC", "REST"], isTrial: true });
  expect(readOptions(["--subject", "bodies"])).toMatchObject({ only: [], subjects: ["bodies"], isTrial: true });
  expect(readOptions(["--seconds", "0.5"])).toMatchObject({ secondsAMeasurement: 0.5, isTrial: true });
  expect(readOptions(["--rounds=2"])).toMatchObject({ rounds: 2, isTrial: true });
});

test("commands", () => {
  expect(readOptions(["--check"]).command).toBe("check");
  expect(readOptions(["--help"]).command).toBe("help");
});

test.each([["--fast"], ["--seconds", "0"], ["--seconds", "x"], ["--rounds", "1000"], ["more"]])(
  "refuses %s %s",
  (...argv) => {
    expect(() => readOptions(argv)).toThrow(UsageError);
  },
);
