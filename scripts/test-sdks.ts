/**
 * Tests the SDKs: that their generated code is up to date, and that every client of every SDK plays every scenario of
 * sdk/scenarios.yaml against the running service, as do its examples in the documents. `npm run test:sdks -- python` tests some.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { type Stage, withStage } from "../test/sdk/stage.ts";
import { createStage } from "../test/support/service/stage.ts";
import { isUpToDate } from "./generate-sdks.ts";
import { folderOf, projectRoot, readExamples, readPieces, type SdkPlayer } from "./sdks/player.ts";
import { sdkPlayers } from "./sdks/players.ts";
import { type Reason, readReasons } from "./sdks/reasons.ts";
import { type Result, readResults, tabulate } from "./sdks/results.ts";
import { runGroup } from "./sdks/run-group.ts";
import { missingCommand } from "./toolchains.ts";

const exampleRow = "documents' examples";
/** With the time of the builds, less than the budget of the step in .ci/run: the table is printed if a program hangs. */
const playTimeoutMs = 150_000;
const exampleTimeoutMs = 40_000;

const chosen = process.argv.slice(2);
const unknown = chosen.find((each) => !sdkPlayers.some(({ name }) => name === each));
if (unknown !== undefined) {
  throw new Error(`there is no SDK ${unknown}: name some of ${sdkPlayers.map(({ name }) => name).join(", ")}`);
}
const players = sdkPlayers.filter(({ name }) => chosen.length === 0 || chosen.includes(name)).filter(isInstalled);
for (const skipped of players.flatMap((player) => player.skipped ?? [])) say(`SKIPPED: ${skipped}`);
if (players.length === 0) process.exit();
const faults: string[] = [];
const folder = await mkdtemp(join(tmpdir(), "frontrow-sdks-"));
try {
  const built = await prepareAll(readReasons());
  const results = await withStage((stage, stopping) => playAll(built, stage, stopping));
  const table = tabulate(
    [...(await scenarioNames()), exampleRow],
    players.flatMap(({ clients }) => clients),
    results,
  );
  process.stdout.write(`\n${table.text}\n\n`);
  faults.push(...table.faults);
} finally {
  await rm(folder, { recursive: true });
}
for (const fault of faults) say(`FAILED: ${fault}`);
if (faults.length > 0) process.exitCode = 1;
else say(`passed: ${players.map(({ name }) => name).join(", ")}`);

function isInstalled({ toolchain }: SdkPlayer): boolean {
  const missing = missingCommand(toolchain);
  if (missing) say(`SKIPPED: the SDK in ${toolchain.language}: \`${missing}\` is not installed`);
  return missing === undefined;
}

async function scenarioNames(): Promise<string[]> {
  const text = await readFile(join(projectRoot, "sdk", "scenarios.yaml"), "utf8");
  const { scenarios } = parse(text) as { scenarios: { name: string }[] };
  return scenarios.map(({ name }) => name);
}

/**
 * Compares the generated code with the schema and builds the packages: one language after the other uses all cores. Returns
 * those that are built.
 */
async function prepareAll(reasons: readonly Reason[]): Promise<SdkPlayer[]> {
  const built: SdkPlayer[] = [];
  for (const player of players) {
    const started = performance.now();
    try {
      if (!(await isUpToDate(player.name, reasons))) faults.push(`sdk/${player.name} differs from the schema`);
      await player.build();
      built.push(player);
      say(`${player.name} is built: ${((performance.now() - started) / 1_000).toFixed(1)} s`);
    } catch (error) {
      faults.push(`${player.name} cannot be built: ${describe(error)}`);
    }
  }
  return built;
}

async function playAll(built: readonly SdkPlayer[], stage: Stage, stopping: AbortSignal): Promise<Result[]> {
  // The concert of the examples: they name its id, that of the first demo concert.
  const { id } = await createStage(stage.plain.baseUrl).concert();
  if (id !== 1n) throw new Error(`the first concert has the id ${id}, not 1`);
  const played = await Promise.all(built.map((player) => playScenarios(stage, player, stopping)));
  const examples = await Promise.all(built.map((player) => runExamples(stage, player, stopping)));
  return [...played, ...examples].flat();
}

/** Runs a player to its end, and returns its results. */
async function playScenarios(stage: Stage, player: SdkPlayer, signal: AbortSignal): Promise<Result[]> {
  await using control = await stage.open();
  const resultsFile = join(folder, `${player.name}.jsonl`);
  const env = { ...process.env, FRONTROW_STAGE: control.address, FRONTROW_RESULTS: resultsFile };
  const [command = "", ...args] = player.play();
  try {
    await runGroup(command, args, { cwd: folderOf(player.name), env, timeoutMs: playTimeoutMs, signal });
  } catch (error) {
    faults.push(`${player.name}: ${command} ${args.join(" ")}: ${describe(error)}`);
  }
  const read = await readResults(resultsFile);
  faults.push(...read.faults.map((fault) => `${player.name}: ${fault}`));
  return read.results;
}

/** Each example books at the service, and prints the booking. All clients of the SDK have the same result. */
async function runExamples(stage: Stage, player: SdkPlayer, signal: AbortSignal): Promise<Result[]> {
  const started = performance.now();
  let message = "";
  try {
    for (const code of readExamples(player, stage.plain.baseUrl)) {
      const cwd = await mkdtemp(join(folder, `${player.name}-`));
      const [command = "", ...args] = await player.writeExample(code, readPieces(player), cwd);
      const output = await runGroup(command, args, { cwd, timeoutMs: exampleTimeoutMs, signal });
      if (!/^booking \d+: /m.test(output)) throw new Error(`the example printed no booking: ${output}`);
    }
  } catch (error) {
    message = describe(error);
  }
  const outcome = message === "" ? "passed" : "failed";
  const seconds = (performance.now() - started) / 1_000;
  return player.clients.map((language) => ({ language, scenario: exampleRow, outcome, seconds, message }));
}

/** The error of a program has its output, of which the end says most. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { stdout = "", stderr = "" } = error as Error & { stdout?: string; stderr?: string };
  return `${error.message.split("\n")[0]}\n${`${stdout}${stderr}`.slice(-4_000)}`.trimEnd();
}

function say(message: string): void {
  process.stdout.write(`test:sdks: ${message}\n`);
}
