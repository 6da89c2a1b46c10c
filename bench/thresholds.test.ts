import { expect, test } from "vitest";
import { type Check, checkBars, isMet } from "./bars.ts";
import { measured, resultsOf } from "./example-results.ts";
import type { Measurement, Results } from "./results.ts";
import { scenarioNames, subjectNames } from "./scenarios.ts";

function check(results: Results, what: string): Check & { readonly met: boolean | undefined } {
  const found = checkBars(results).find((one) => one.what.includes(what));
  if (!found) throw new Error(`there is no bar for ${what}`);
  return { ...found, met: isMet(found) };
}

const crowd = (subject: string, values: Partial<Measurement>) =>
  measured({ scenario: scenarioNames.hot, subject, users: 500, ...values });

test("what was not measured is neither met nor missed", () => {
  const checks = checkBars(resultsOf([]));
  expect(checks.length).toBeGreaterThan(20);
  expect(checks.map(isMet).filter((met) => met !== undefined)).toEqual([]);
});

test.each([
  [1_200, true],
  [1_199, false],
])("confirmed bookings against plain: %d to 100", (bookings, met) => {
  const results = resultsOf([
    crowd(subjectNames.booking, { confirmedPerSecond: bookings, answersPerSecond: 9_999 }),
    crowd(subjectNames.plain, { confirmedPerSecond: 100 }),
  ]);
  expect(check(results, "500 users, REST: confirmed bookings/s against plain").met).toBe(met);
});

test("a ratio of several rounds counts with its median", () => {
  const rounds = [0.5, 0.9, 1.5].flatMap((ratio, index) => [
    crowd(subjectNames.booking, { protocol: "gRPC", round: index, confirmedPerSecond: 100 * ratio }),
    crowd(subjectNames.noop, { protocol: "gRPC", round: index }),
  ]);
  const found = check(resultsOf(rounds), "gRPC: confirmed bookings/s against noop");
  expect(found).toMatchObject({ met: true, figure: { median: 0.9, lowest: 0.5, highest: 1.5 } });
});

test("latency must not pass its bar", () => {
  const lone = (subject: string, p50Ms: number) =>
    crowd(subject, { users: 1, latency: { p50Ms, p90Ms: 0, p99Ms: 0, maxMs: 0 } });
  const results = (p50Ms: number) => resultsOf([lone(subjectNames.booking, p50Ms), lone(subjectNames.plain, 1)]);
  expect(check(results(1.15), "one user at a time, REST").met).toBe(true);
  expect(check(results(1.2), "one user at a time, REST").met).toBe(false);
});

test("one refusal among 5,000 users is one too many", () => {
  const huge = crowd(subjectNames.booking, { users: 5_000, answersPerSecond: 100.2, confirmedPerSecond: 100 });
  const fine = { ...huge, round: 2, answersPerSecond: 100 };
  expect(check(resultsOf([fine]), "refusals/s with 5000 users").met).toBe(true);
  expect(check(resultsOf([fine, huge, { ...fine, round: 3 }]), "refusals/s with 5000 users").met).toBe(false);
});

test("sold out costs no transaction but one look a second", () => {
  const late = (transactions: number) =>
    measured({ scenario: scenarioNames.unsold, subject: subjectNames.soldOut, users: 500, transactions, seconds: 6 });
  expect(check(resultsOf([late(7)]), "sold out, REST: transactions").met).toBe(true);
  expect(check(resultsOf([late(8)]), "sold out, REST: transactions").met).toBe(false);
});

test("updates of the row, and how many of them are heap-only", () => {
  const writes = { scenario: scenarioNames.hot, protocol: "Connect", users: 500, bookings: 1_000 } as const;
  const results = resultsOf([], [{ ...writes, updates: 100, hotUpdates: 98 }]);
  expect(check(results, "Connect: updates of its row").met).toBe(true);
  expect(check(results, "Connect: of these heap-only")).toMatchObject({ met: false, figure: { median: 98 } });
});
