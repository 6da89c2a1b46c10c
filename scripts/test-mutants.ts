/**
 * Shows that the tests catch the mistakes that matter: makes each mistake of `mutants.ts` in a copy of the project and runs
 * the tests that have to fail. `npm run test:mutants -- lock` tries only those whose names contain "lock".
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, readFile, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join, relative } from "node:path";
import { startTestPostgres } from "../test/support/database/postgres.ts";
import { type KillingTest, type Mutant, mutants } from "./mutants.ts";

const projectRoot = join(import.meta.dirname, "..");
/** What a copy does without. */
const notCopied = new Set(["node_modules", ".git", ".data", "coverage"]);
const runTimeoutMs = 180_000;
/** How the stack of a failed expectation begins; any other failure is no assertion's. */
const assertion = /^(AssertionError: |Error: promise resolved )/;

const stopping = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.on(name, () => stopping.abort(new Error(`stopped by ${name}`)));
}

/** A copy of the project, and the database server that its tests share. */
interface Laboratory {
  readonly folder: string;
  readonly databaseUrl: string;
}

/** What became of a test, and why it failed or did not run. */
interface Result {
  readonly status: "passed" | "failed" | "not run";
  readonly why: string;
}

try {
  const chosen = mutants.filter(({ name }) => process.argv.slice(2).every((text) => name.includes(text)));
  if (chosen.length === 0) throw new Error("no mutant has such a name");
  const uncaught = await withLaboratory((laboratory) => tryAll(laboratory, chosen));
  if (uncaught.length > 0) throw new Error(`not caught as they should be: ${uncaught.join("; ")}`);
  say(`passed: the tests catch every one of ${chosen.length} mutants`);
} catch (error) {
  const cause = stopping.signal.aborted ? stopping.signal.reason : error;
  say(`FAILED: ${cause instanceof Error ? cause.message : cause}`);
  process.exitCode = 1;
}

async function withLaboratory<Answer>(work: (laboratory: Laboratory) => Promise<Answer>): Promise<Answer> {
  // The real path: Vitest does not find its modules again by another one.
  const folder = await realpath(await mkdtemp(join(tmpdir(), "frontrow-mutants-")));
  try {
    await cp(projectRoot, folder, { recursive: true, filter: (source) => !notCopied.has(basename(source)) });
    await symlink(await realpath(join(projectRoot, "node_modules")), join(folder, "node_modules"));
    const postgres = await startTestPostgres();
    return await work({ folder, databaseUrl: postgres.adminUrl }).finally(() => postgres.stop());
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The names of the mutants that are not caught by each of their tests. */
async function tryAll(laboratory: Laboratory, chosen: readonly Mutant[]): Promise<string[]> {
  await expectHealthy(
    laboratory,
    chosen.flatMap(({ tests }) => tests),
  );
  const uncaught: string[] = [];
  for (const [index, mutant] of chosen.entries()) {
    say(`${index + 1}/${chosen.length} ${mutant.name} (${mutant.file})`);
    if (!(await isCaught(laboratory, mutant))) uncaught.push(mutant.name);
  }
  return uncaught;
}

/** A test that also fails without a mutant would prove nothing. */
async function expectHealthy(laboratory: Laboratory, tests: readonly KillingTest[]): Promise<void> {
  say("the same tests on the project as it is");
  const results = await runTests(laboratory, [...new Map(tests.map((test) => [titleOf(test), test])).values()]);
  for (const [title, result] of results) report(title, result);
  if (results.values().some(({ status }) => status !== "passed")) {
    throw new Error("these tests have to pass where there is no mutant");
  }
}

/** Whether every test of the mutant fails by an assertion. */
async function isCaught(laboratory: Laboratory, mutant: Mutant): Promise<boolean> {
  const path = join(laboratory.folder, mutant.file);
  const text = await readFile(path, "utf8");
  try {
    await writeFile(path, change(text, mutant));
    const results = await runTests(laboratory, mutant.tests);
    for (const [title, result] of results) report(title, result);
    if (results.values().every(({ status, why }) => status === "failed" && assertion.test(why))) return true;
    say("  NOT CAUGHT: each of these tests has to fail, and by an assertion");
  } catch (error) {
    if (stopping.signal.aborted) throw error;
    say(`  NOT TRIED: ${error instanceof Error ? error.message : error}`);
  } finally {
    await writeFile(path, text);
  }
  return false;
}

function change(text: string, { file, changes }: Mutant): string {
  return changes.reduce((changed, { from, to }) => {
    const parts = changed.split(from);
    if (parts.length !== 2) throw new Error(`${file} has this ${parts.length - 1} times, not once: ${from}`);
    return parts.join(to);
  }, text);
}

/** Runs these tests and no others; their results by `titleOf`. */
async function runTests({ folder, databaseUrl }: Laboratory, tests: readonly KillingTest[]) {
  stopping.signal.throwIfAborted();
  const reportFile = join(folder, "results.json");
  await rm(reportFile, { force: true });
  const files = new Set(tests.map(({ file }) => file));
  const names = tests.map(({ name }) => RegExp.escape(name));
  const vitest = join(folder, "node_modules", "vitest", "vitest.mjs");
  const args = ["run", ...files, `--testNamePattern=^(${names.join("|")})$`, "--cache=false", "--fsModuleCache=false"];
  const child = spawn(process.execPath, [vitest, ...args, "--reporter=json", `--outputFile=${reportFile}`], {
    cwd: folder,
    env: { ...process.env, APP_TEST_DATABASE_URL: databaseUrl, NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
    signal: stopping.signal,
    timeout: runTimeoutMs,
  });
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => output.push(String(chunk)));
  await once(child, "close");
  const { testResults = [] }: Partial<Report> = JSON.parse(await readFile(reportFile, "utf8").catch(() => "{}"));
  if (testResults.length === 0) throw new Error(`the tests did not run:\n${output.join("")}`);
  const found = parseReport(folder, testResults);
  return new Map(tests.map((test) => [titleOf(test), found.get(titleOf(test)) ?? notRun(found.get(test.file)?.why)]));
}

function notRun(why = ""): Result {
  return { status: "not run", why: why || "no test has this name" };
}

/** What we read of Vitest's JSON report. */
interface Report {
  readonly testResults: readonly {
    readonly name: string;
    /** Why the file could not be run. */
    readonly message: string;
    readonly assertionResults: readonly {
      readonly ancestorTitles: readonly string[];
      readonly title: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

/** The results of tests by `titleOf`, and of files that could not be run by their paths. */
function parseReport(folder: string, testResults: Report["testResults"]): Map<string, Result> {
  const results = new Map<string, Result>();
  for (const { name: path, message, assertionResults } of testResults) {
    const file = relative(folder, path);
    results.set(file, notRun(message));
    for (const { ancestorTitles, title, status, failureMessages } of assertionResults) {
      if (status !== "passed" && status !== "failed") continue;
      const why = failureMessages.join("\n").replaceAll(`${folder}/`, "");
      results.set(titleOf({ file, name: [...ancestorTitles, title].join(" > ") }), { status, why });
    }
  }
  return results;
}

function titleOf({ file, name }: KillingTest): string {
  return `${file} > ${name}`;
}

function report(title: string, { status, why }: Result): void {
  say(`  ${status}: ${title}`);
  const isTelling = (line: string) => line !== "" && (!/^ +at /.test(line) || /\.test\.ts:\d/.test(line));
  for (const line of why.split("\n").filter(isTelling)) say(`    ${line}`);
}

function say(message: string): void {
  process.stdout.write(`${message}\n`);
}
