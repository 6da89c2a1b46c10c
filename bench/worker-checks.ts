import type { Check } from "./checks.ts";
import { manyUsers, subjectNames, workloadNames } from "./names.ts";
import type { Protocol } from "./requests.ts";
import { type Results, ratioOf } from "./results.ts";

/** Two workers behind one port against one process. The generator takes a part of the same cores. */
export function twoWorkers(results: Results, protocol: Protocol): Check[] {
  const against = (workload: string, what: string, atLeast: number): Check => {
    const one = { workload, subject: subjectNames.oneWorker, protocol, users: manyUsers };
    return {
      what: `two workers against one process, generator on the same cores: ${what}`,
      protocol,
      limit: { atLeast },
      unit: "x",
      figure: ratioOf(
        results,
        { ...one, subject: subjectNames.twoWorkers },
        one,
        ({ confirmedPerSecond }) => confirmedPerSecond,
      ),
    };
  };
  return [
    against(workloadNames.workersReads, "cached GetConcert", 1.5),
    against(workloadNames.workersSpread, "bookings of 100 concerts", 1.5),
    against(workloadNames.workersHot, "bookings of one hot concert", 1.3),
  ];
}
