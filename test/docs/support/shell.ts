/** Bash as a reader's terminal: variables stay for the next snippet, and a response with an error is a failure. */
import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Child, spawnChild } from "../../support/process/child-process.ts";

export interface Output {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Terminal extends AsyncDisposable {
  /** Runs commands to their end. */
  run(text: string): Promise<Output>;
  /** Starts a command that goes on, in a new process group. */
  start(text: string): Child;
}

interface TerminalOptions {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Commands that take longer are killed. It must be less than the test may take. */
  readonly limitMs: number;
}

/** Opens a terminal in a folder. */
export async function openTerminal({ cwd, env, limitMs }: TerminalOptions): Promise<Terminal> {
  const folder = await mkdtemp(join(tmpdir(), "frontrow-terminal-"));
  const variables = join(folder, "variables");
  await writeFile(variables, "");
  // curl's own default takes every response for a success.
  await writeFile(join(folder, ".curlrc"), "silent\nshow-error\nfail-with-body\nmax-time = 20\n");
  const own = { ...env, CURL_HOME: folder };
  const started = `set -aeuo pipefail\nsource '${variables}'\n`;
  return {
    async run(text) {
      const [stdout, stderr] = [join(folder, "stdout"), join(folder, "stderr")];
      // Files, because `tee /dev/stderr` cannot open the sockets that Node.js gives to a child.
      const toFiles = `exec </dev/null >'${stdout}' 2>'${stderr}'\n`;
      const command = `${toFiles}${started}${text}\nexport -p > '${variables}'\n`;
      const child = spawnChild("bash", ["-c", command], { cwd, env: own, ownGroup: true });
      const timer = setTimeout(() => child.signal("SIGKILL"), limitMs);
      const code = await child.ended.finally(() => clearTimeout(timer));
      return { code, stdout: await readFile(stdout, "utf8"), stderr: await readFile(stderr, "utf8") };
    },
    start: (text) => spawnChild("bash", ["-c", started + text], { cwd, env: own, ownGroup: true }),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** What a failed snippet wrote, for the message of its test. */
export function describeOutput({ code, stdout, stderr }: Output): string {
  return `exit ${code}\n${stdout}\n${stderr}`;
}

/** The commands of a snippet: as many lines as bash takes for complete. Throws if the last one is not. */
export function commandsIn(text: string): string[] {
  const commands: string[] = [];
  let rest = "";
  for (const line of text.split("\n")) {
    rest += rest === "" ? line : `\n${line}`;
    if (line.endsWith("\\") || !isComplete(rest)) continue;
    commands.push(rest);
    rest = "";
  }
  if (rest !== "") throw new Error(`bash does not parse:\n${rest}`);
  return commands.filter((command) => command.trim() !== "");
}

function isComplete(text: string): boolean {
  return spawnSync("bash", ["-n"], { input: text }).status === 0;
}
