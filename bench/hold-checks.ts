/** The thresholds of holds and limits per user. */
import type { Check } from "./checks.ts";
import { manyUsers, subjectNames, workloadNames } from "./names.ts";
import type { Protocol } from "./requests.ts";
import { type Results, ratioOf } from "./results.ts";

/** Holds, pairs and limits per user against bookings. */
export function heldTickets(results: Results, protocol: Protocol): Check[] {
  const { booking, holding, settling, limited } = subjectNames;
  const one = { workload: workloadNames.holds, subject: booking, protocol, users: manyUsers };
  const against = (what: string, subject: string, atLeast: number): Check => ({
    what: `hot concert, ${manyUsers} users: ${what}`,
    protocol,
    limit: { atLeast },
    unit: "x",
    figure: ratioOf(results, { ...one, subject }, one, ({ confirmedPerSecond }) => confirmedPerSecond),
  });
  return [
    against("holds/s against bookings/s", holding, 0.95),
    // A pair is two calls.
    ...(protocol === "gRPC" ? [] : [against("pairs of hold and confirmation/s against bookings/s", settling, 0.45)]),
    against("bookings/s with a limit per user against without", limited, 0.95),
  ];
}

/** A rush beside holds that expire, against the rush alone. */
export function expiringHolds(results: Results): Check[] {
  const one = {
    workload: workloadNames.expiry,
    subject: subjectNames.expiring,
    protocol: "REST",
    users: manyUsers,
  } as const;
  return [
    {
      what: "a rush while 10,000 holds of its concert expire: p99 against the rush alone",
      protocol: one.protocol,
      limit: { atMost: 2 },
      unit: "x",
      figure: ratioOf(results, one, { ...one, subject: subjectNames.alone }, ({ latency }) => latency.p99Ms),
    },
  ];
}
