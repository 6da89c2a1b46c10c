/** The threshold of what metrics cost. */
import type { Check } from "./checks.ts";
import { manyUsers, subjectNames, workloadNames } from "./names.ts";
import type { Protocol } from "./requests.ts";
import { type Results, ratioOf } from "./results.ts";

/** A server with metrics that is scraped once a second, against one without. */
export function metricsOn(results: Results, protocol: Protocol): Check[] {
  const { withMetrics, withoutMetrics } = subjectNames;
  const one = { workload: workloadNames.metrics, subject: withMetrics, protocol, users: manyUsers };
  return [
    {
      what: `hot concert, ${manyUsers} users: throughput with metrics, scraped once a second, against without`,
      protocol,
      limit: { atLeast: 0.97 },
      unit: "x",
      figure: ratioOf(
        results,
        one,
        { ...one, subject: withoutMetrics },
        ({ confirmedPerSecond }) => confirmedPerSecond,
      ),
    },
  ];
}
