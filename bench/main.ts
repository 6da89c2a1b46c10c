/** Measures the service against baselines in the same run: see docs/benchmarks.md. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { inspect } from "node:util";
import { measureAgainst } from "./against.ts";
import { isMet } from "./checks.ts";
import { reserveCores } from "./cores.ts";
import { describeMachine, isSameMachine } from "./machine.ts";
import type { Timing } from "./measure.ts";
import { type BenchOptions, readOptions, UsageError, usage } from "./options.ts";
import { startBenchPostgres } from "./postgres.ts";
import { describeAchievements, describeResults, replaceFigures, thresholdLines } from "./report.ts";
import { type Results, readNewestResults, without, writeResults } from "./results.ts";
import { runWorkload } from "./run.ts";
import type { Figure } from "./statistics.ts";
import type { Subject } from "./subjects.ts";
import { checkThresholds } from "./thresholds.ts";
import { workloadsOf } from "./workloads.ts";

const resultsFolder = join(import.meta.dirname, "results");
const page = join(import.meta.dirname, "..", "docs", "benchmarks.md");
const say = (line: string) => void process.stdout.write(`${line}\n`);

class Interrupted extends Error {}

try {
  const options = readOptions(process.argv.slice(2));
  if (options.command === "help") process.stdout.write(usage);
  else if (options.command === "check") await check();
  else if (options.command === "show") await show();
  else if (options.against !== undefined) await compare(options, options.against);
  else await run(options, options.isTrial);
} catch (error) {
  if (error instanceof UsageError) process.stderr.write(`${error.message}\n\n${usage}`);
  else process.stderr.write(`bench: ${error instanceof Interrupted ? error.message : inspect(error)}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}

async function check(): Promise<void> {
  const results = await readNewestResults(resultsFolder);
  if (!results) throw new UsageError("nothing has been measured yet: the results folder is empty");
  say(`${results.kind} run of ${results.startedAt}`);
  if (!report(results)) process.exitCode = 1;
}

/** Prints each threshold with its figure; false if one is missed. */
function report(results: Results): boolean {
  const checks = checkThresholds(results);
  for (const line of thresholdLines(checks)) say(line);
  return checks.every((one) => isMet(one) !== false);
}

async function run(options: BenchOptions, isTrial: boolean): Promise<void> {
  // Results are written after each workload, so that an interrupted run keeps them.
  const newest = options.continues ? await readNewestResults(resultsFolder) : undefined;
  if (options.continues && newest?.kind !== "full") throw new UsageError("there is no full run to continue");
  const earlier = newest && without(newest, (title) => contains(title, options.again));
  const results = await measureAll(options, isTrial ? async () => {} : keep, isTrial, earlier);
  if (isTrial) return void say(`\n${describeResults(results)}`);
  say("");
  report(results);
}

async function keep(results: Results): Promise<void> {
  await writeResults(resultsFolder, results);
  if (results.kind === "full") await writePage(results);
}

async function writePage(results: Results): Promise<void> {
  await writeFile(page, replaceFigures(await readFile(page, "utf8"), describeAchievements(results)));
}

/** Writes the page from the newest full run, and prints every table of it. */
async function show(): Promise<void> {
  const results = await readNewestResults(resultsFolder, "full");
  if (!results) throw new UsageError("the results folder has no full run");
  await writePage(results);
  say(describeResults(results));
}

/** Prints this checkout's figures as multiples of another one's. */
async function compare(options: BenchOptions, folder: string): Promise<void> {
  const { rounds, subjects, only } = options;
  const signal = interruption();
  const postgres = await startBenchPostgres(process.env.APP_BENCH_DATABASE_URL, signal);
  try {
    const isWanted = ({ name, protocol }: Subject) => matches(name, subjects) && matches(protocol, only);
    const timing = timingOf(options);
    const ratios = await measureAgainst(postgres, { folder, rounds, timing, isWanted, say, signal });
    for (const { title, answersPerSecond, serverMicroseconds } of ratios) {
      say(`${title}: answers/s ${ratioText(answersPerSecond)}, server µs ${ratioText(serverMicroseconds)}`);
    }
  } finally {
    await postgres.stop();
  }
}

function ratioText({ median, lowest, highest }: Figure): string {
  return `${median.toFixed(3)}x (${lowest.toFixed(2)}-${highest.toFixed(2)})`;
}

/** Aborts when the bench receives a signal to stop. */
function interruption(): AbortSignal {
  const stopping = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const)
    process.once(name, () => stopping.abort(new Interrupted(`ended by ${name}`)));
  return stopping.signal;
}

function timingOf({ secondsAMeasurement }: BenchOptions): Timing {
  const measureMs = secondsAMeasurement * 1_000;
  return { measureMs, warmUpMs: Math.min(1_000, measureMs / 4) };
}

async function measureAll(
  options: BenchOptions,
  onWorkload: (soFar: Results) => Promise<void>,
  isTrial: boolean,
  earlier: Results | undefined,
): Promise<Results> {
  const { kind, rounds, secondsAMeasurement, profileFolder, subjects } = options;
  const signal = interruption();
  const startedAt = Temporal.Now.instant().toString({ smallestUnit: "second" });
  const timing = timingOf(options);
  const isWanted = ({ name }: Subject) => matches(name, subjects);

  const done = earlier?.workloads ?? [];
  const workloads = workloadsOf(kind).filter(
    (workload) => matches(workload.title, options.only) && !done.includes(workload.title),
  );
  if (workloads.length === 0) {
    const titles = workloadsOf(kind).map(({ title }) => `  ${title}\n`);
    throw new UsageError(`--only leaves nothing of:\n${titles.join("")}`);
  }
  // Before anything starts, which then has the cores of this process.
  const pinGenerator = reserveCores(say);
  const postgres = await startBenchPostgres(process.env.APP_BENCH_DATABASE_URL, signal);
  try {
    const run = { kind: isTrial ? "trial" : kind, startedAt, secondsAMeasurement, rounds } as const;
    const nothing = { workloads: [], measurements: [], rowWrites: [] };
    const machine = await describeMachine(postgres);
    if (earlier && !isSameMachine(earlier.machine, machine))
      throw new UsageError("the run was begun on another machine");
    let results: Results = earlier ?? { ...run, machine, ...nothing };
    for (const [index, workload] of workloads.entries()) {
      say(`[${index + 1}/${workloads.length}] ${workload.title}`);
      const how = { rounds, timing, isWanted, profileFolder, pinGenerator, say, signal };
      const found = await runWorkload(postgres, workload, how);
      results = {
        ...results,
        workloads: [...results.workloads, workload.title],
        measurements: [...results.measurements, ...found.measurements],
        rowWrites: [...results.rowWrites, ...found.rowWrites],
      };
      await onWorkload(results);
    }
    return results;
  } finally {
    await postgres.stop();
  }
}

/** Whether a title contains one of the texts, or there are none. */
function matches(title: string, texts: readonly string[]): boolean {
  return texts.length === 0 || contains(title, texts);
}

function contains(title: string, texts: readonly string[]): boolean {
  return texts.some((text) => title.toLowerCase().includes(text.toLowerCase()));
}
