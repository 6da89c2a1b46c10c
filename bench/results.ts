/** What a run has found, as it is kept. */
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Latency, Tally } from "./load/spec.ts";
import type { Protocol } from "./requests.ts";
import { type Figure, figureOf } from "./statistics.ts";

/** One timed load on one subject of a workload. */
export interface Measurement {
  readonly workload: string;
  readonly subject: string;
  /** Which of the subject's variants it was, if it has several. */
  readonly variant: string;
  readonly protocol: Protocol;
  readonly users: number;
  readonly round: number;
  readonly answersPerSecond: number;
  /** Answers that were no refusals. */
  readonly confirmedPerSecond: number;
  readonly latency: Latency;
  /** How long the last answer took that was no refusal. */
  readonly slowestConfirmedMs: number;
  readonly refusals: Tally;
  /** What the servers sent to the database in all, warm-up included, and during how long. */
  readonly statements: number;
  readonly transactions: number;
  readonly reads: number;
  readonly answers: number;
  readonly seconds: number;
  /** Processor time on average, in cores: of all servers, and of the load generator. */
  readonly serverCores: number;
  readonly generatorCores: number;
  /** Processor time of all servers an answer. */
  readonly serverMicroseconds: number;
}

/** What bookings on a hot concert have cost its row, as PostgreSQL has counted. */
export interface RowWrites {
  readonly workload: string;
  readonly protocol: Protocol;
  readonly users: number;
  readonly bookings: number;
  readonly updates: number;
  readonly hotUpdates: number;
}

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly node: string;
  readonly postgres: string;
  /** PostgreSQL's setting, and the time that the disk takes for it. */
  readonly fsync: string;
  readonly fsyncMs: number;
}

export type RunKind = "quick" | "full" | "trial";

export interface Results {
  readonly kind: RunKind;
  /** RFC 3339. */
  readonly startedAt: string;
  readonly machine: Machine;
  readonly secondsAMeasurement: number;
  readonly rounds: number;
  /** The titles of the workloads that have been measured. */
  readonly workloads: readonly string[];
  readonly measurements: readonly Measurement[];
  readonly rowWrites: readonly RowWrites[];
}

/** The results without some of the workloads. */
export function without(results: Results, isOut: (title: string) => boolean): Results {
  const workloads = results.workloads.filter((title) => !isOut(title));
  // One workload has all protocols.
  const stays = ({ workload, protocol }: Pick<Measurement, "workload" | "protocol">) =>
    workloads.includes(`${workload}, ${protocol}`) || workloads.includes(`${workload}, each protocol`);
  return {
    ...results,
    workloads,
    measurements: results.measurements.filter(stays),
    rowWrites: results.rowWrites.filter(stays),
  };
}

/** Names the measurements of one subject. */
export type Selection = Pick<Measurement, "workload" | "subject" | "protocol" | "users">;

/** The rounds of one subject. */
export function select(results: Results, { workload, subject, protocol, users }: Selection): Measurement[] {
  return results.measurements.filter(
    (one) => one.workload === workload && one.subject === subject && one.protocol === protocol && one.users === users,
  );
}

/** How two subjects compare: each round of one with the same round of the other. Undefined if one was not measured. */
export function ratioOf(
  results: Results,
  one: Selection,
  other: Selection,
  value: (measurement: Measurement) => number,
): Figure | undefined {
  const others = new Map(select(results, other).map((measurement) => [measurement.round, measurement]));
  const ratios = select(results, one).flatMap((measurement) => {
    const pair = others.get(measurement.round);
    return pair ? [value(measurement) / value(pair)] : [];
  });
  return figureOf(ratios);
}

/** Writes the results of a run; those of an earlier run of the same kind and day are replaced. Returns the file. */
export async function writeResults(folder: string, results: Results): Promise<string> {
  await mkdir(folder, { recursive: true });
  const file = join(folder, `${results.startedAt.slice(0, 10)}-${results.kind}.json`);
  await writeFile(file, `${JSON.stringify(results, undefined, 1)}\n`);
  return file;
}

/** The results of the run that was started last, of any kind or of one; undefined if there is none. */
export async function readNewestResults(folder: string, kind: RunKind | "" = ""): Promise<Results | undefined> {
  const names = await readdir(folder).catch(() => []);
  const files = names.filter((name) => name.endsWith(`${kind}.json`));
  const all = await Promise.all(
    files.map(async (name) => JSON.parse(await readFile(join(folder, name), "utf8")) as Results),
  );
  return all.toSorted((a, b) => Date.parse(a.startedAt) - Date.parse(b.startedAt)).at(-1);
}
