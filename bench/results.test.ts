import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { measured, resultsOf } from "./example-results.ts";
import { ratioOf, readNewestResults, without, writeResults } from "./results.ts";

const one = { workload: "s", subject: "one", protocol: "REST", users: 5 } as const;
const other = { ...one, subject: "other" };
const perSecond = ({ answersPerSecond }: { answersPerSecond: number }) => answersPerSecond;

test("each round is compared with the same round of the other", () => {
  const results = resultsOf([
    measured({ ...one, round: 1, answersPerSecond: 10 }),
    measured({ ...other, round: 1, answersPerSecond: 5 }),
    measured({ ...one, round: 2, answersPerSecond: 30 }),
    measured({ ...other, round: 2, answersPerSecond: 10 }),
    // Without a pair.
    measured({ ...one, round: 3, answersPerSecond: 1000 }),
    measured({ ...other, users: 6, round: 3, answersPerSecond: 1 }),
  ]);
  expect(ratioOf(results, one, other, perSecond)).toEqual({ median: 2.5, lowest: 2, highest: 3 });
  expect(ratioOf(results, one, { ...other, protocol: "gRPC" }, perSecond)).toBeUndefined();
});

test("the newest results are those of the run that was started last", async () => {
  const folder = await mkdtemp(join(tmpdir(), "frontrow-results-"));
  try {
    expect(await readNewestResults(join(folder, "none"))).toBeUndefined();
    await writeResults(folder, { ...resultsOf([]), kind: "quick", startedAt: "2030-01-02T10:00:00Z" });
    await writeResults(folder, { ...resultsOf([]), kind: "full", startedAt: "2030-01-02T09:00:00Z" });
    expect((await readNewestResults(folder))?.kind).toBe("quick");
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("what is measured once more leaves the results, and nothing else", () => {
  const kept = measured({ ...one, workload: "hot", protocol: "gRPC", round: 1 });
  const all = measured({ ...one, workload: "rate", round: 1 });
  const results = {
    ...resultsOf([measured({ ...one, workload: "hot", round: 1 }), kept, all]),
    workloads: ["hot, REST", "hot, gRPC", "rate, each protocol"],
  };
  const left = without(results, (title) => title === "hot, REST");
  expect([left.workloads, left.measurements]).toEqual([
    ["hot, gRPC", "rate, each protocol"],
    [kept, all],
  ]);
  expect(without(results, (title) => title.startsWith("rate")).measurements).not.toContain(all);
});
