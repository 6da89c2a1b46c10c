/** Commands of the container engine, and what every part of the trial uses: a time limit, conditions, and lines of output. */
import { execFile } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";

/** With the logs and the clean-up this is less than the five minutes that CI allows. */
const overallMs = 4 * 60_000;
const conditionMs = 120_000;
const pollMs = 250;

const stopping = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.on(name, () => stopping.abort(new Error(`stopped by ${name}`)));
}
/** Aborted by a signal, and when the trial takes too long. */
export const overall = AbortSignal.any([stopping.signal, AbortSignal.timeout(overallMs)]);

interface RunOptions {
  readonly signal?: AbortSignal;
  readonly env?: NodeJS.ProcessEnv;
}

/** Runs a program to its end. Resolves with its standard output; rejects with what it wrote if it fails. */
export async function run(
  program: string,
  args: readonly string[],
  { signal = overall, env = process.env }: RunOptions = {},
): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(program, args, { signal, env, maxBuffer: 64 * 1024 * 1024 });
    return stdout.trim();
  } catch (error) {
    const written = error instanceof Error && "stdout" in error ? `\n${error.stdout}` : "";
    throw new Error(`${error instanceof Error ? error.message : error}${written}`);
  }
}

/** Whether a program runs and succeeds. */
export async function succeeds(program: string, args: readonly string[], limitMs = 20_000): Promise<boolean> {
  const signal = AbortSignal.any([overall, AbortSignal.timeout(limitMs)]);
  return await run(program, args, { signal }).then(
    () => true,
    () => false,
  );
}

/** The command of Compose that is installed: of version 2, or docker-compose. */
export async function findCompose(): Promise<readonly string[] | undefined> {
  for (const command of [["docker", "compose"], ["docker-compose"]]) {
    const [program = "", ...args] = command;
    if (await succeeds(program, [...args, "version"])) return command;
  }
  return undefined;
}

/** Resolves when the condition holds; an attempt that rejects is one that does not. */
export async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const givesUpAt = performance.now() + conditionMs;
  while (!(await holds().catch(() => false))) {
    overall.throwIfAborted();
    if (performance.now() > givesUpAt) throw new Error(`timed out before ${what}`);
    await delay(pollMs, undefined, { signal: overall });
  }
  say(what);
}

/** Throws unless both are the same, and says what it compared. */
export function expect(what: string, actual: unknown, expected: unknown): void {
  const [found, wanted] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (found !== wanted) throw new Error(`${what}: ${found} instead of ${wanted}`);
  say(`${what}: ${found}`);
}

/** One line, with the seconds since the start. */
export function say(message: string): void {
  process.stdout.write(`containers: ${(performance.now() / 1_000).toFixed(0).padStart(3)} s  ${message}\n`);
}
