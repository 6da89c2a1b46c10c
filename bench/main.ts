/** Measures the service against baselines in the same run: see docs/benchmarks.md. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { inspect } from "node:util";
import { measureAgainst } from "./against.ts";
import { checkBars, isMet } from "./bars.ts";
import { describeMachine, isSameMachine } from "./machine.ts";
import type { Timing } from "./measure.ts";
import { type BenchOptions, readOptions, UsageError, usage } from "./options.ts";
import { startBenchPostgres } from "./postgres.ts";
import { barLines, describeResults, replaceGenerated } from "./report.ts";
import { type Results, readNewestResults, without, writeResults } from "./results.ts";
import { runScenario } from "./run.ts";
import { scenariosOf } from "./scenarios.ts";
import type { Figure } from "./statistics.ts";
import type { Subject } from "./subjects.ts";

const resultsFolder = join(import.meta.dirname, "results");
const page = join(import.meta.dirname, "..", "docs", "benchmarks.md");
const say = (line: string) => void process.stdout.write(`${line}\n`);

class Interrupted extends Error {}

try {
  const options = readOptions(process.argv.slice(2));
  if (options.command === "help") process.stdout.write(usage);
  else if (options.command === "check") await check();
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

/** Prints each bar with its figure; false if one is missed. */
function report(results: Results): boolean {
  const checks = checkBars(results);
  for (const line of barLines(checks)) say(line);
  return checks.every((one) => isMet(one) !== false);
}

async function run(options: BenchOptions, isTrial: boolean): Promise<void> {
  // After each scenario: a run that is broken off keeps what it has.
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
  await writeFile(page, replaceGenerated(await readFile(page, "utf8"), results.kind, describeResults(results)));
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

/** Aborts when the bench is told to stop. */
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
  onScenario: (soFar: Results) => Promise<void>,
  isTrial: boolean,
  earlier: Results | undefined,
): Promise<Results> {
  const { kind, rounds, secondsAMeasurement, profileFolder, subjects } = options;
  const signal = interruption();
  const startedAt = Temporal.Now.instant().toString({ smallestUnit: "second" });
  const timing = timingOf(options);
  const isWanted = ({ name }: Subject) => matches(name, subjects);

  const done = earlier?.scenarios ?? [];
  const scenarios = scenariosOf(kind).filter(
    (scenario) => matches(scenario.title, options.only) && !done.includes(scenario.title),
  );
  if (scenarios.length === 0) {
    const titles = scenariosOf(kind).map(({ title }) => `  ${title}\n`);
    throw new UsageError(`--only leaves nothing of:\n${titles.join("")}`);
  }
  const postgres = await startBenchPostgres(process.env.APP_BENCH_DATABASE_URL, signal);
  try {
    const run = { kind: isTrial ? "trial" : kind, startedAt, secondsAMeasurement, rounds } as const;
    const nothing = { scenarios: [], measurements: [], rowWrites: [] };
    const machine = await describeMachine(postgres);
    if (earlier && !isSameMachine(earlier.machine, machine))
      throw new UsageError("the run was begun on another machine");
    let results: Results = earlier ?? { ...run, machine, ...nothing };
    for (const [index, scenario] of scenarios.entries()) {
      say(`[${index + 1}/${scenarios.length}] ${scenario.title}`);
      const found = await runScenario(postgres, scenario, { rounds, timing, isWanted, profileFolder, say, signal });
      results = {
        ...results,
        scenarios: [...results.scenarios, scenario.title],
        measurements: [...results.measurements, ...found.measurements],
        rowWrites: [...results.rowWrites, ...found.rowWrites],
      };
      await onScenario(results);
    }
    return results;
  } finally {
    await postgres.stop();
  }
}

/** Without texts everything does. */
function matches(title: string, texts: readonly string[]): boolean {
  return texts.length === 0 || contains(title, texts);
}

function contains(title: string, texts: readonly string[]): boolean {
  return texts.some((text) => title.toLowerCase().includes(text.toLowerCase()));
}
