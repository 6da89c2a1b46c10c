import { expect, test } from "vitest";
import { checkBars } from "./bars.ts";
import { measured, resultsOf } from "./example-results.ts";
import { barLines, describeResults, replaceGenerated } from "./report.ts";
import { scenarioNames, subjectNames } from "./scenarios.ts";

const hot = { scenario: scenarioNames.hot, subject: subjectNames.booking };
const results = resultsOf([
  measured({ ...hot, users: 500, round: 1, answersPerSecond: 12_000, confirmedPerSecond: 12_000 }),
  measured({
    ...hot,
    users: 500,
    round: 2,
    answersPerSecond: 14_000,
    confirmedPerSecond: 13_990,
    refusals: { OVERLOADED: 50 },
  }),
  measured({ ...hot, subject: subjectNames.plain, variant: "4 connections", users: 500, confirmedPerSecond: 1_000 }),
]);

test("the page keeps what is written by hand", () => {
  const page = "before\n<!-- bench:full:begin -->\n\nold\n\n<!-- bench:full:end -->\nafter\n";
  expect(replaceGenerated(page, "full", "new\n")).toBe(
    "before\n<!-- bench:full:begin -->\n\nnew\n\n<!-- bench:full:end -->\nafter\n",
  );
  expect(() => replaceGenerated(page, "quick", "new")).toThrow("no place for the figures of a quick run");
});

test("tables tell medians, spread, the machine and what was refused", () => {
  const text = describeResults(results);
  expect(text).toContain("A processor, 2 cores, 8 GiB, linux x64; Node 26.0.0; PostgreSQL 18.4");
  expect(text).toContain("| REST, booking | 12,995 (12,000-13,990) |");
  expect(text).toContain("| booking | REST | 500 | 13,000 (12,000-14,000) | 1.00 | 2.00 | 3.00 | 50 | 50 OVERLOADED |");
  expect(text).toContain("| plain, 4 connections | REST | 500 |");
  expect(text).toContain("| >= 12x | 12.0x | met |");
});

test("a bar is one line", () => {
  const [first, second] = barLines(checkBars(results));
  expect(first).toBe("met     hot concert, 500 users, REST: confirmed bookings/s against plain: 12.0x (bar: >= 12x)");
  expect(second).toMatch(/^ +hot concert, 500 users, Connect: .*: not measured \(bar: >= 7x\)$/);
});
