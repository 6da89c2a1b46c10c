/**
 * Runs the Connect conformance suite against `test/conformance/server.ts`, with the fast path and without it. Arguments go to
 * the suite's runner: `npm run test:conformance -- --run 'Timeouts/**' --trace`. The runner is a Go program: without Go
 * the suite is skipped.
 */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

const suite = "connectrpc.com/conformance/cmd/connectconformance";
const version = "v1.0.7";
const projectRoot = join(import.meta.dirname, "..");
const binFolder = join(projectRoot, "node_modules", ".cache", `connectconformance-${version}`);
const testFolder = join(projectRoot, "test", "conformance");
/** The cases of this version of the suite that test/conformance/config.yaml selects. */
const caseCount = 1_900;
/** The runner waits 10 seconds for a server to start: on a busy machine, several at once need longer. */
const maxServers = "1";

const stopping = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.on(name, () => stopping.abort(new Error(`stopped by ${name}`)));
}

try {
  if (hasGo()) await testBoth();
  else say("SKIPPED: the Connect conformance suite, because `go` is not installed");
} catch (error) {
  const cause = stopping.signal.aborted ? stopping.signal.reason : error;
  say(`FAILED: ${cause instanceof Error ? cause.message : cause}`);
  process.exitCode = 1;
}

function hasGo(): boolean {
  try {
    execFileSync("go", ["version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** Fails if a case fails with the fast path or without it. */
async function testBoth(): Promise<void> {
  say(`building ${suite}@${version}`);
  if ((await run("go", ["install", `${suite}@${version}`])).code !== 0) throw new Error("the suite cannot be built");
  const totals: string[] = [];
  let isPassed = true;
  for (const fastPath of ["on", "off"]) {
    say(`the suite with the fast path ${fastPath}`);
    const { code, output } = await run(join(binFolder, "connectconformance"), [
      ...["--mode", "server", "--conf", join(testFolder, "config.yaml"), "--max-servers", maxServers],
      ...process.argv.slice(2),
      ...["--", process.execPath, join(testFolder, "server.ts"), `--fast-path=${fastPath}`],
    ]);
    const total = output.trimEnd().split("\n").at(-1) ?? "";
    totals.push(`with the fast path ${fastPath}: ${total}`);
    isPassed &&= code === 0 && isComplete(total, output);
  }
  for (const total of totals) say(total);
  if (!isPassed) throw new Error("not all cases pass");
}

/** Whether the suite has run all of its cases. Its runner also succeeds if it ran none, or could not run some. */
function isComplete(total: string, output: string): boolean {
  if (/could not be run/.test(output)) return false;
  const [, passed = "0"] = /^(\d+) passed, 0 failed$/.exec(total) ?? [];
  // Arguments may select some of them.
  return process.argv.length > 2 ? Number(passed) > 0 : Number(passed) === caseCount;
}

/** Runs a program to its end, and passes on what it writes. */
async function run(command: string, args: readonly string[]) {
  const child = spawn(command, args, {
    cwd: projectRoot,
    // Each server loads the same modules.
    env: { ...process.env, GOBIN: binFolder, NODE_COMPILE_CACHE: join(binFolder, "modules") },
    stdio: ["ignore", "pipe", "inherit"],
    signal: stopping.signal,
  });
  let output = "";
  child.stdout.on("data", (chunk) => {
    output += chunk;
    process.stdout.write(chunk);
  });
  const [code] = await once(child, "close");
  return { code, output };
}

function say(message: string): void {
  process.stdout.write(`test:conformance: ${message}\n`);
}
