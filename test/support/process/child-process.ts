/** Child processes: how every test starts a program, reads what it writes, and ends it. */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { freePort } from "@frontrow/embedded-postgres";

export interface Child extends AsyncDisposable {
  readonly pid: number;
  readonly stdin: ChildProcessWithoutNullStreams["stdin"];
  /** The lines of both outputs so far. */
  readonly lines: readonly string[];
  output(): string;
  /** The first line that contains the text. Rejects if the program ends without one. */
  line(text: string): Promise<string>;
  /** The same for lines that the program has yet to write. */
  nextLine(text: string): Promise<string>;
  isRunning(): boolean;
  signal(name: NodeJS.Signals): void;
  /** Sends a signal and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
  /** Resolves with the exit code, null if a signal ended the program, when all its output has been read. */
  readonly ended: Promise<number | null>;
}

interface SpawnOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Whether the program leads a process group, to which its signals go. */
  readonly ownGroup?: boolean;
  readonly onLine?: (line: string, stream: "stdout" | "stderr") => void;
}

const running = new Set<Child>();

/** Starts a program. `await using` ends it, and `endChildren` ends what a failed test has left running. */
export function spawnChild(command: string, args: readonly string[], options: SpawnOptions = {}): Child {
  const { env = process.env, cwd, ownGroup = false, onLine } = options;
  const child = spawn(command, args, { env, cwd, detached: ownGroup });
  const lines: string[] = [];
  const waiting = new Set<{ readonly text: string; found(line: string): void }>();
  for (const stream of ["stdout", "stderr"] as const) {
    createInterface({ input: child[stream] }).on("line", (line) => {
      lines.push(line);
      for (const { text, found } of waiting) if (line.includes(text)) found(line);
      onLine?.(line, stream);
    });
  }
  child.stdin.on("error", () => {});
  // "close" comes after "exit", when all output has been read.
  const ended = once(child, "close").then(([code]) => {
    running.delete(program);
    return code as number | null;
  });
  const isRunning = () => child.exitCode === null && child.signalCode === null;
  const nextLine = async (text: string) => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const awaited = { text, found: resolve };
    waiting.add(awaited);
    const line = await Promise.race([promise, ended.then(() => undefined)]).finally(() => waiting.delete(awaited));
    if (line === undefined) throw new Error(`${command} ended without "${text}":\n${lines.join("\n")}`);
    return line;
  };
  const signal = (name: NodeJS.Signals) => {
    if (child.pid !== undefined && isRunning()) process.kill(ownGroup ? -child.pid : child.pid, name);
  };
  const stop = (name: NodeJS.Signals = "SIGTERM") => {
    signal(name);
    return ended;
  };
  const program: Child = {
    pid: child.pid ?? 0,
    stdin: child.stdin,
    lines,
    output: () => lines.join("\n"),
    line: async (text) => lines.find((line) => line.includes(text)) ?? (await nextLine(text)),
    nextLine,
    isRunning,
    signal,
    stop,
    ended,
    [Symbol.asyncDispose]: async () => void (await stop("SIGKILL")),
  };
  running.add(program);
  return program;
}

/** Ends all children that are still running. */
export async function endChildren(): Promise<void> {
  await Promise.all([...running].map((child) => child.stop("SIGKILL")));
}

/** Starts a server on a free port, and again on another one if a different process takes the port first. */
export async function onFreePort<Server>(start: (port: number) => Promise<Server>): Promise<Server> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(await freePort());
    } catch (error) {
      if (attempt === 5) throw error;
    }
  }
}

/**
 * The first of these commands that is installed. If none is, prints which tests are skipped: a skipped test proves
 * nothing. `argument` makes the command print its version.
 */
export function findCommand(
  commands: readonly string[],
  { argument = "--version", skipped }: { readonly argument?: string; readonly skipped: string },
): string | undefined {
  const found = commands.find((command) => spawnSync(command, [argument]).status === 0);
  if (!found) process.stderr.write(`\ntests: SKIPPED: ${skipped}: ${commands[0]} is not installed\n\n`);
  return found;
}
