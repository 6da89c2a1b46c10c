/** Writes results for people to read. */
import { type Check, checkBars, isMet } from "./bars.ts";
import type { Measurement, Results } from "./results.ts";
import { scenarioNames } from "./scenarios.ts";
import { type Figure, figureOf } from "./statistics.ts";

/** Replaces the part of a page between the markers of a kind of run. Throws if the page has none. */
export function replaceGenerated(page: string, kind: string, text: string): string {
  const [begin, end] = [`<!-- bench:${kind}:begin -->`, `<!-- bench:${kind}:end -->`];
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`the page has no place for the figures of a ${kind} run`);
  return `${page.slice(0, from + begin.length)}\n\n${text.trim()}\n\n${page.slice(to)}`;
}

/** The tables of a run, in Markdown. */
export function describeResults(results: Results): string {
  const names = [...new Set(results.measurements.map(({ scenario }) => scenario))];
  return [
    describeRun(results),
    "### The bars",
    barsTable(results),
    ...(names.includes(scenarioNames.hot) ? ["### Throughput against users", throughputTable(results)] : []),
    ...names.flatMap((name) => [`### ${capitalized(name)}`, scenarioTable(results, name)]),
  ].join("\n\n");
}

function describeRun({ machine, startedAt, secondsAMeasurement, rounds }: Results): string {
  const { processor, cores, memoryGiB, system, node, postgres, fsync, fsyncMs } = machine;
  const disk = `fsync ${fsync}, which takes the disk ${fsyncMs.toFixed(2)} ms`;
  return (
    `${startedAt.slice(0, 10)}: ${processor}, ${cores} cores, ${memoryGiB} GiB, ${system}; Node ${node}; ` +
    `PostgreSQL ${postgres} on the same machine (${disk}), as is the load generator. Each figure is the median of ` +
    `${rounds} rounds of ${secondsAMeasurement} s; in brackets the lowest and the highest.`
  );
}

function barsTable(results: Results): string {
  const verdict = (check: Check) => ({ true: "met", false: "**missed**", undefined: "" })[`${isMet(check)}`];
  return table(
    ["what", "bar", "measured", ""],
    checkBars(results).map((check) => [check.what, limitText(check), figureText(check), verdict(check)]),
  );
}

/** One line a bar, for the terminal. */
export function barLines(checks: readonly Check[]): string[] {
  const verdicts = { true: "met   ", false: "MISSED", undefined: "      " };
  return checks.map(
    (check) => `${verdicts[`${isMet(check)}`]}  ${check.what}: ${figureText(check)} (bar: ${limitText(check)})`,
  );
}

function limitText({ limit, unit }: Check): string {
  return "atLeast" in limit ? `>= ${limit.atLeast}${unit}` : `<= ${limit.atMost}${unit}`;
}

function figureText({ figure, unit }: Check): string {
  return figure ? `${spread(figure, precise)}${unit}` : "not measured";
}

/** Confirmed bookings of each crowd on the hot concert, and what the baselines do. */
function throughputTable({ measurements }: Results): string {
  const hot = measurements.filter(({ scenario }) => scenario === scenarioNames.hot);
  const crowds = [...new Set(hot.map(({ users }) => users))].sort((a, b) => a - b);
  const rows = Map.groupBy(hot, ({ protocol, subject }) => `${protocol}, ${subject}`);
  return table(
    ["a second", ...crowds.map((users) => `${whole(users)} users`)],
    [...rows].map(([name, ofRow]) => [
      name,
      ...crowds.map((users) => {
        const values = ofRow.filter((one) => one.users === users).map((one) => one.confirmedPerSecond);
        const figure = figureOf(values);
        return figure ? spread(figure, whole) : "";
      }),
    ]),
  );
}

function scenarioTable({ measurements }: Results, scenario: string): string {
  const ofScenario = measurements.filter((one) => one.scenario === scenario);
  const key = ({ subject, variant, protocol, users }: Measurement) =>
    JSON.stringify([subject, variant, protocol, users]);
  const rows = [...Map.groupBy(ofScenario, key).values()].map((rounds) => {
    const [first] = rounds;
    const of = (value: (one: Measurement) => number, print: (value: number) => string) =>
      spread(figureOf(rounds.map(value)) as Figure, print);
    return [
      `${first?.subject}${first?.variant ? `, ${first.variant}` : ""}`,
      first?.protocol ?? "",
      whole(first?.users ?? 0),
      of((one) => one.answersPerSecond, whole),
      of((one) => one.latency.p50Ms, precise),
      of((one) => one.latency.p90Ms, precise),
      of((one) => one.latency.p99Ms, precise),
      of((one) => one.serverMicroseconds, whole),
      refusalsText(rounds),
    ];
  });
  return table(["what", "protocol", "users", "answers/s", "p50 ms", "p90 ms", "p99 ms", "server µs", "refusals"], rows);
}

function refusalsText(rounds: readonly Measurement[]): string {
  const totals = new Map<string, number>();
  for (const { refusals } of rounds) {
    for (const [reason, count] of Object.entries(refusals)) totals.set(reason, (totals.get(reason) ?? 0) + count);
  }
  return [...totals].map(([reason, count]) => `${whole(count)} ${reason}`).join(", ");
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

function spread({ median, lowest, highest }: Figure, print: (value: number) => string): string {
  return lowest === highest ? print(median) : `${print(median)} (${print(lowest)}-${print(highest)})`;
}

const whole = (value: number) => Math.round(value).toLocaleString("en-US");
const precise = (value: number) => (value === 0 || value >= 100 ? whole(value) : value.toPrecision(value < 1 ? 2 : 3));
const capitalized = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
