import { expect, test } from "vitest";
import { runGroup } from "./sdks/run-group.ts";

const cwd = import.meta.dirname;
const never = new AbortController().signal;

test("the output of a program is returned", async () => {
  expect(await runGroup("bash", ["-c", "echo one; echo two >&2"], { cwd, timeoutMs: 10_000, signal: never })).toBe(
    "one\ntwo",
  );
});

test("a program that fails is an error with its output", async () => {
  const run = runGroup("bash", ["-c", "echo one; exit 3"], { cwd, timeoutMs: 10_000, signal: never });
  await expect(run).rejects.toMatchObject({ message: "bash ended with 3", stdout: "one" });
});

test("a program that does not exist is an error", async () => {
  await expect(runGroup("no-such-program", [], { cwd, timeoutMs: 10_000, signal: never })).rejects.toThrow("ENOENT");
});

// A program that goes on would keep the output open, and the test would not end.
test.each(["sleep 60 & wait", "sleep 60 &"])("when the time of `%s` is up, both programs end", async (command) => {
  const run = runGroup("bash", ["-c", command], { cwd, timeoutMs: 500, signal: never });
  await expect(run).rejects.toThrow("bash was stopped: ");
});

test("a signal ends a program", async () => {
  const run = runGroup("sleep", ["60"], { cwd, timeoutMs: 10_000, signal: AbortSignal.abort(new Error("enough")) });
  await expect(run).rejects.toThrow("sleep was stopped: enough");
});
