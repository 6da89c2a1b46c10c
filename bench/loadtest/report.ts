import { percentile } from "../statistics.ts";
import type { Tally } from "./crowd.ts";
import type { LoadTestOptions } from "./options.ts";
import type { Verdict } from "./verify.ts";

/** The table at the end. */
export function describeLoadTest(
  { url, protocol, users, tickets, requestsPerUser }: LoadTestOptions,
  { confirmed, refused, repeated, unanswered, latenciesMs }: Tally,
  { stored, oversold, lost, doubled, miscounted }: Verdict,
  elapsedMs: number,
): string {
  const sorted = latenciesMs.toSorted((a, b) => a - b);
  const ms = (share: number) => (sorted.length === 0 ? "-" : `${percentile(sorted, share).toFixed(1)} ms`);
  const seconds = elapsedMs / 1_000;
  return table([
    ["service", `${url}, ${protocol}`],
    ["users", whole(users)],
    ["requests of each", whole(requestsPerUser)],
    ["tickets", whole(tickets)],
    ["seconds", seconds.toFixed(1)],
    ["answers a second", whole(latenciesMs.length / seconds)],
    ["p50", ms(0.5)],
    ["p90", ms(0.9)],
    ["p99", ms(0.99)],
    ["confirmed", whole(confirmed.length)],
    ...countRows("refused", refused),
    ...countRows("repeated", repeated),
    ["without an answer", whole(unanswered)],
    ["stored", whole(stored)],
    ["oversold", whole(oversold)],
    ["lost", whole(lost)],
    ["doubled", whole(doubled)],
    ["miscounted", whole(miscounted)],
  ]);
}

/** The most frequent reason first. */
function countRows(what: string, counts: ReadonlyMap<string, number>): [string, string][] {
  const sorted = [...counts].sort(([, one], [, other]) => other - one);
  return sorted.map(([reason, count]) => [`${what}: ${reason}`, whole(count)]);
}

/** One line that says how far the crowd is. */
export function describeProgress({ users, requestsPerUser }: LoadTestOptions, tally: Tally): string {
  const { confirmed, latenciesMs, unanswered } = tally;
  const done = latenciesMs.length + unanswered;
  return `${whole(done)} of ${whole(users * requestsPerUser)} requests, ${whole(confirmed.length)} confirmed`;
}

function table(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}\n`).join("");
}

function whole(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}
