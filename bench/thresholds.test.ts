import { expect, test } from "vitest";
import { type Check, isMet } from "./checks.ts";
import { measured, resultsOf } from "./example-results.ts";
import { subjectNames, workloadNames } from "./names.ts";
import type { Measurement, Results } from "./results.ts";
import { checkThresholds } from "./thresholds.ts";

function check(results: Results, what: string, protocol = "REST"): Check & { readonly met: boolean | undefined } {
  const found = checkThresholds(results).find((one) => one.what.includes(what) && one.protocol === protocol);
  if (!found) throw new Error(`there is no threshold for ${what}`);
  return { ...found, met: isMet(found) };
}

const onHotConcert = (subject: string, values: Partial<Measurement>) =>
  measured({ workload: workloadNames.hot, subject, users: 500, ...values });

test("what was not measured is neither met nor missed", () => {
  const checks = checkThresholds(resultsOf([]));
  expect(checks.length).toBeGreaterThan(20);
  expect(checks.map(isMet).filter((met) => met !== undefined)).toEqual([]);
});

test.each([
  [1_200, true],
  [1_199, false],
])("confirmed bookings against baseline-row-lock: %d to 100", (bookings, met) => {
  const results = resultsOf([
    onHotConcert(subjectNames.booking, { confirmedPerSecond: bookings, answersPerSecond: 9_999 }),
    onHotConcert(subjectNames.rowLock, { confirmedPerSecond: 100 }),
  ]);
  expect(check(results, "500 users: confirmed bookings/s against baseline-row-lock").met).toBe(met);
});

test("a ratio of several rounds counts with its median", () => {
  const rounds = [0.5, 0.9, 1.5].flatMap((ratio, index) => [
    onHotConcert(subjectNames.booking, { protocol: "gRPC", round: index, confirmedPerSecond: 100 * ratio }),
    onHotConcert(subjectNames.noop, { protocol: "gRPC", round: index }),
  ]);
  const found = check(resultsOf(rounds), "confirmed bookings/s against noop", "gRPC");
  expect(found).toMatchObject({ met: true, figure: { median: 0.9, lowest: 0.5, highest: 1.5 } });
});

test("latency must not exceed its threshold", () => {
  const singleUser = (subject: string, p50Ms: number) =>
    onHotConcert(subject, { users: 1, latency: { p50Ms, p90Ms: 0, p99Ms: 0, maxMs: 0 } });
  const results = (p50Ms: number) =>
    resultsOf([singleUser(subjectNames.booking, p50Ms), singleUser(subjectNames.rowLock, 1)]);
  expect(check(results(1.15), "one user at a time").met).toBe(true);
  expect(check(results(1.2), "one user at a time").met).toBe(false);
});

test("one refusal with 5,000 users misses the threshold", () => {
  const refusing = onHotConcert(subjectNames.booking, {
    users: 5_000,
    answersPerSecond: 100.2,
    confirmedPerSecond: 100,
  });
  const fine = { ...refusing, round: 2, answersPerSecond: 100 };
  expect(check(resultsOf([fine]), "5000 users: refusals/s").met).toBe(true);
  expect(check(resultsOf([fine, refusing, { ...fine, round: 3 }]), "5000 users: refusals/s").met).toBe(false);
});

test("a sold-out concert costs at most one transaction a second", () => {
  const soldOut = (transactions: number) =>
    measured({ workload: workloadNames.unsold, subject: subjectNames.soldOut, users: 500, transactions, seconds: 6 });
  expect(check(resultsOf([soldOut(7)]), "sold out: transactions").met).toBe(true);
  expect(check(resultsOf([soldOut(8)]), "sold out: transactions").met).toBe(false);
});

test.each([
  ["holds/s against bookings/s", subjectNames.holding, 95, 94],
  ["pairs of hold and confirmation/s", subjectNames.settling, 45, 44],
  ["with a limit per user against without", subjectNames.limited, 95, 94],
])("%s", (what, subject, enough, tooFew) => {
  const results = (perSecond: number) => {
    const of = { workload: workloadNames.holds, users: 500 };
    return resultsOf([
      measured({ ...of, subject: subjectNames.booking, confirmedPerSecond: 100 }),
      measured({ ...of, subject, confirmedPerSecond: perSecond }),
    ]);
  };
  expect(check(results(enough), what).met).toBe(true);
  expect(check(results(tooFew), what).met).toBe(false);
});

test.each([
  [97, true],
  [96, false],
])("bookings with metrics against without: %d to 100", (perSecond, met) => {
  const of = { workload: workloadNames.metrics, users: 500 };
  const results = resultsOf([
    measured({ ...of, subject: subjectNames.withoutMetrics, confirmedPerSecond: 100 }),
    measured({ ...of, subject: subjectNames.withMetrics, confirmedPerSecond: perSecond }),
  ]);
  expect(check(results, "throughput with metrics").met).toBe(met);
});

test("updates of the row, and how many of them are heap-only", () => {
  const writes = { workload: workloadNames.hot, protocol: "Connect", users: 500, bookings: 1_000 } as const;
  const results = resultsOf([], [{ ...writes, updates: 100, hotUpdates: 98 }]);
  expect(check(results, "updates of its row", "Connect").met).toBe(true);
  expect(check(results, "of these heap-only", "Connect")).toMatchObject({ met: false, figure: { median: 98 } });
});

test("traces of one call in a hundred may cost a twentieth", () => {
  const results = (confirmedPerSecond: number) =>
    resultsOf([
      measured({ workload: workloadNames.traces, subject: subjectNames.traced, users: 500, confirmedPerSecond }),
      measured({ workload: workloadNames.traces, subject: subjectNames.untraced, users: 500, confirmedPerSecond: 100 }),
    ]);
  expect([95, 94].map((confirmed) => check(results(confirmed), "with traces of 1 %").met)).toEqual([true, false]);
});

test.each([
  { workload: workloadNames.workersReads, what: "cached GetConcert", atLeast: 1.5 },
  { workload: workloadNames.workersSpread, what: "bookings of 100 concerts", atLeast: 1.5 },
  { workload: workloadNames.workersHot, what: "bookings of one hot concert", atLeast: 1.3 },
])("two workers against one process, $what: at least $atLeast times", ({ workload, what, atLeast }) => {
  const { oneWorker, twoWorkers } = subjectNames;
  const results = (ratio: number) =>
    resultsOf([
      measured({ workload, subject: twoWorkers, users: 500, confirmedPerSecond: 100 * ratio }),
      measured({ workload, subject: oneWorker, users: 500, confirmedPerSecond: 100 }),
    ]);
  const name = `two workers against one process, generator on the same cores: ${what}`;
  expect(check(results(atLeast), name).met).toBe(true);
  expect(check(results(atLeast - 0.01), name).met).toBe(false);
});
