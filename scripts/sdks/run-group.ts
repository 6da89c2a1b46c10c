/** Runs programs that start others, such as `go test` and browsers. */
import { spawnChild } from "../../test/support/process/child-process.ts";

interface GroupOptions {
  readonly cwd: string;
  readonly env?: NodeJS.ProcessEnv;
  /** When the program's time is up. */
  readonly timeoutMs: number;
  /** Ends the program before. */
  readonly signal: AbortSignal;
}

/** How long the processes have for their end. Browsers end after SIGTERM only, since they are in other groups. */
const graceMs = 5_000;

/**
 * Runs a program to its end in a process group, and resolves with its output. If its time is up, or the signal is aborted, the
 * whole group is signalled. The error has the output.
 */
export async function runGroup(command: string, args: readonly string[], options: GroupOptions): Promise<string> {
  const { timeoutMs, signal, ...others } = options;
  const child = spawnChild(command, args, { ...others, ownGroup: true });
  const stop = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  let kill: NodeJS.Timeout | undefined;
  const end = () => {
    signalGroup(child.pid, "SIGTERM");
    kill = setTimeout(() => signalGroup(child.pid, "SIGKILL"), graceMs);
  };
  stop.addEventListener("abort", end, { once: true });
  if (stop.aborted) end();
  try {
    const code = await child.ended;
    if (code === 0 && !stop.aborted) return child.output();
    const why = stop.aborted ? `was stopped: ${stop.reason.message}` : `ended with ${code}`;
    throw Object.assign(new Error(`${command} ${why}`), { stdout: child.output() });
  } finally {
    stop.removeEventListener("abort", end);
    clearTimeout(kill);
    // What the program has left running.
    signalGroup(child.pid, "SIGKILL");
  }
}

/** The group may live on when the program that led it has ended. */
function signalGroup(pid: number, name: NodeJS.Signals): void {
  // 0, for a program that could not be started, would be the group of this process.
  if (pid === 0) return;
  try {
    process.kill(-pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
