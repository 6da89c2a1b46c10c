import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { type Result, readResults, tabulate } from "./sdks/results.ts";

const result = (language: string, scenario: string, changes: Partial<Result> = {}): Result => ({
  ...{ language, scenario, outcome: "passed", seconds: 0.25, message: "" },
  ...changes,
});

test.each(['{"language": "Go", "scen', '{"language": "Go"}'])("the line %s is a fault", async (line) => {
  const folder = await mkdtemp(join(tmpdir(), "frontrow-results-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, "go.jsonl");
  await writeFile(file, `${JSON.stringify(result("Go", "book"))}\n${line}`);
  expect(await readResults(file)).toEqual({ results: [result("Go", "book")], faults: [`no result: ${line}`] });
});

test("a table of passed scenarios has no faults", () => {
  const results = [result("Go", "book"), result("Go", "closed"), result("Java", "book"), result("Java", "closed")];
  expect(tabulate(["book", "closed"], ["Go", "Java"], results)).toEqual({
    text: "scenario  Go            Java\nbook      passed 0.3 s  passed 0.3 s\nclosed    passed 0.3 s  passed 0.3 s",
    faults: [],
  });
});

test.each<[string, Result[], string]>([
  ["an empty cell", [], "Go: book: no result"],
  ["a failed scenario", [result("Go", "book", { outcome: "failed", message: "no tickets" })], "Go: book: no tickets"],
  ["two results of one scenario", [result("Go", "book"), result("Go", "book")], "Go: book: two results"],
  [
    "a scenario that is not in the list",
    [result("Go", "book"), result("Go", "sing")],
    'Go: there is no such client, or no scenario "sing"',
  ],
  [
    "a client that is not in the list",
    [result("Go", "book"), result("Perl", "book")],
    'Perl: there is no such client, or no scenario "book"',
  ],
])("%s is a fault", (_, results, fault) => {
  expect(tabulate(["book"], ["Go"], results).faults).toEqual([fault]);
});
