import { readFile, readlink, realpath, stat, unlink } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { codeOf, EmbeddedPostgresError } from "./errors.ts";

/** A running PostgreSQL server as its `postmaster.pid` describes it. */
export interface Postmaster {
  readonly pid: number;
  readonly port: number;
  /** `ready`, `starting`, `stopping`, or empty while it has only begun. */
  readonly status: string;
}

/**
 * Finds the server that runs on a cluster, if one does. A `postmaster.pid` whose process is a zombie or another
 * program would stop PostgreSQL from starting, so it is removed; one without a process PostgreSQL judges itself.
 */
export async function findPostmaster(cluster: string): Promise<Postmaster | undefined> {
  const file = path.join(cluster, "postmaster.pid");
  const content = await readFile(file, "utf8").catch((error: unknown) => {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  });
  if (content === undefined) return undefined;
  const [pidLine = "", , , port, , , , status = ""] = content.split("\n");
  const pid = Math.abs(Number.parseInt(pidLine, 10)); // PostgreSQL's single-user mode writes it negative
  if (await isPostmaster(pid, cluster)) return { pid, port: Number(port), status: status.trim() };
  // Should a new server's file take its place in this instant, PostgreSQL's shared-memory check still admits only one.
  if (Number.isNaN(pid) ? await isRemnant(file) : isAlive(pid)) await unlink(file).catch(() => {});
  return undefined;
}

/** Ends a server the gentlest way that works: fast shutdown, immediate shutdown, kill. */
export async function stopProcess(pid: number, hasEnded: () => boolean | Promise<boolean>): Promise<void> {
  const steps = [
    { signal: "SIGINT", waitMs: 30_000 },
    { signal: "SIGQUIT", waitMs: 10_000 },
    { signal: "SIGKILL", waitMs: 10_000 },
  ] as const;
  for (const { signal, waitMs } of steps) {
    const deadline = Date.now() + waitMs;
    if (!(await hasEnded())) sendSignal(pid, signal);
    while (Date.now() < deadline) {
      if (await hasEnded()) return;
      await sleep(20);
    }
  }
  throw new EmbeddedPostgresError(`PostgreSQL (process ${pid}) does not end: kill it by hand`);
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (codeOf(error) !== "ESRCH") throw error;
  }
}

/** A server works in its cluster's folder, which tells it from whatever else has got its number since. */
async function isPostmaster(pid: number, cluster: string): Promise<boolean> {
  if (Number.isNaN(pid)) return false;
  if (process.platform !== "linux") return isAlive(pid);
  try {
    return (await readlink(`/proc/${pid}/cwd`)) === (await realpath(cluster));
  } catch (error) {
    if (codeOf(error) !== "EACCES") return false; // gone, or a zombie
  }
  // Root in a container may lack the right to look: name and state are public.
  const description = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  return /\(postgres\) [^ZX]/.test(description);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return codeOf(error) === "EPERM";
  }
}

/** PostgreSQL fills its file at once; one that stays without a number is left from a power failure. */
async function isRemnant(file: string): Promise<boolean> {
  const ageMs = Date.now() - (await stat(file).catch(() => ({ mtimeMs: Date.now() }))).mtimeMs;
  return ageMs > 5_000;
}
