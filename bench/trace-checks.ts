/** The threshold of what traces cost. */
import type { Check } from "./checks.ts";
import { manyUsers, subjectNames, workloadNames } from "./names.ts";
import type { Protocol } from "./requests.ts";
import { type Results, ratioOf } from "./results.ts";

/** A server that exports the traces of one call in a hundred, against one without traces. */
export function tracedCalls(results: Results, protocol: Protocol): Check[] {
  const { traced, untraced } = subjectNames;
  const one = { workload: workloadNames.traces, subject: traced, protocol, users: manyUsers };
  return [
    {
      what: `hot concert, ${manyUsers} users: throughput with traces of 1 % of the calls against without`,
      protocol,
      limit: { atLeast: 0.95 },
      unit: "x",
      figure: ratioOf(results, one, { ...one, subject: untraced }, ({ confirmedPerSecond }) => confirmedPerSecond),
    },
  ];
}
