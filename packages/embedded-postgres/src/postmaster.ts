import { readFile, readlink, realpath, stat, unlink } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { codeOf, EmbeddedPostgresError } from "./errors.ts";
import { clusterFolder } from "./place.ts";

/** A running PostgreSQL server as its `postmaster.pid` describes it. */
export interface Postmaster {
  readonly pid: number;
  readonly port: number;
  /** `ready`, `starting`, `stopping`, or empty until the server has written it. */
  readonly status: string;
}

/**
 * Finds the server that runs on a data folder, including one whose owner was killed. Removes a `postmaster.pid` that names
 * a zombie or another program, because PostgreSQL would refuse to start. PostgreSQL itself handles one without a process.
 */
export async function findPostmaster(dataDir: string): Promise<Postmaster | undefined> {
  const cluster = clusterFolder(dataDir);
  const file = path.join(cluster, "postmaster.pid");
  const content = await readFile(file, "utf8").catch((error: unknown) => {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  });
  if (content === undefined) return undefined;
  const [pidLine = "", , , port, , , , status = ""] = content.split("\n");
  const pid = Math.abs(Number.parseInt(pidLine, 10)); // PostgreSQL's single-user mode writes it negative
  if (await isPostmaster(pid, cluster)) return { pid, port: Number(port), status: status.trim() };
  // If a new server's file replaces it at this instant, PostgreSQL's shared-memory check still admits only one server.
  if (Number.isNaN(pid) ? await isRemnant(file) : isAlive(pid)) await unlink(file).catch(() => {});
  return undefined;
}

/** Stops a server that `findPostmaster` found. Resolves when it has ended. */
export async function stopPostmaster(dataDir: string, { pid }: Postmaster): Promise<void> {
  await stopProcess(pid, async () => (await findPostmaster(dataDir))?.pid !== pid);
}

export const defaultStopTimeoutMs = 50_000;

/**
 * Stops a server process by the gentlest signal that works: fast shutdown, immediate shutdown, kill. After the last two the
 * next start recovers the data.
 */
export async function stopProcess(
  pid: number,
  hasEnded: () => boolean | Promise<boolean>,
  timeoutMs = defaultStopTimeoutMs,
): Promise<void> {
  const steps = [
    { signal: "SIGINT", share: 0.6 },
    { signal: "SIGQUIT", share: 0.2 },
    { signal: "SIGKILL", share: 0.2 },
  ] as const;
  for (const { signal, share } of steps) {
    const deadline = Date.now() + timeoutMs * share;
    if (!(await hasEnded())) sendSignal(pid, signal);
    while (Date.now() < deadline) {
      if (await hasEnded()) return;
      await sleep(20);
    }
  }
  throw new EmbeddedPostgresError("STOP_FAILED", `PostgreSQL (process ${pid}) does not end: kill it by hand`);
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (codeOf(error) !== "ESRCH") throw error;
  }
}

/** A server's working folder is its cluster, which distinguishes it from another process that has reused its id. */
async function isPostmaster(pid: number, cluster: string): Promise<boolean> {
  if (Number.isNaN(pid)) return false;
  if (process.platform !== "linux") return isAlive(pid);
  try {
    return (await readlink(`/proc/${pid}/cwd`)) === (await realpath(cluster));
  } catch (error) {
    if (codeOf(error) !== "EACCES") return false; // gone, or a zombie
  }
  // Root in a container may lack the right to read the link. The name and the state are public.
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

/** PostgreSQL fills its file at once. One that stays without a number is left from a power failure. */
async function isRemnant(file: string): Promise<boolean> {
  const ageMs = Date.now() - (await stat(file).catch(() => ({ mtimeMs: Date.now() }))).mtimeMs;
  return ageMs > 5_000;
}
