import { spawn } from "node:child_process";
import { once } from "node:events";
import { constants, type FileHandle, open, rename } from "node:fs/promises";
import path from "node:path";
import { programPath } from "./binaries.ts";
import type { Setup } from "./cluster.ts";
import { clusterFolder, type Place } from "./place.ts";
import { stopProcess } from "./postmaster.ts";
import { environment } from "./program.ts";

const logLimitBytes = 10 * 1024 * 1024;
const logTailBytes = 2_000;

/** A server that this process started and has to stop. */
export interface Server {
  readonly pid: number;
  readonly port: number;
  /** Its exit status, null if a signal killed it, `undefined` while it runs. */
  exitCode(): number | null | undefined;
  readonly ended: Promise<void>;
  /** The last lines of its log since this start. */
  logTail(): Promise<string>;
  stop(): Promise<void>;
}

/** Starts a PostgreSQL server. The caller has to wait until it is ready. */
export async function launchServer(
  place: Place,
  installation: string,
  port: number,
  { settings, stopTimeoutMs }: Pick<Setup, "settings" | "stopTimeoutMs">,
): Promise<Server> {
  const logPath = path.join(place.dataDir, "postgres.log");
  const log = await openLog(logPath);
  try {
    const { size: logStart } = await log.stat();
    const child = spawn(programPath(installation, "postgres"), serverArguments(place, port, settings), {
      ...place.identity,
      cwd: place.dataDir,
      env: environment,
      // In its own session: a signal to our process group must not end the server before we have drained.
      detached: true,
      stdio: ["ignore", log.fd, log.fd],
      windowsHide: true,
    });
    let exitCode: number | null | undefined;
    const ended = new Promise<void>((resolve) => {
      child.once("exit", (code) => {
        exitCode = code;
        resolve();
      });
    });
    await once(child, "spawn");
    child.unref();
    const pid = child.pid ?? 0;
    return {
      pid,
      port,
      ended,
      exitCode: () => exitCode,
      logTail: () => readTail(logPath, logStart),
      stop: () => stopProcess(pid, () => exitCode !== undefined, stopTimeoutMs),
    };
  } finally {
    await log.close();
  }
}

function serverArguments(place: Place, port: number, settings: Readonly<Record<string, string>>): string[] {
  const all = {
    max_connections: "200",
    timezone: "UTC",
    log_timezone: "UTC",
    fsync: "on",
    ...settings,
    listen_addresses: "127.0.0.1",
    port: String(port),
    unix_socket_directories: "",
  };
  return [
    "-D",
    clusterFolder(place.dataDir),
    ...Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
  ];
}

/** Opens the log for appending. One that is too long, or that we may not write to, is renamed. */
async function openLog(logPath: string): Promise<FileHandle> {
  // In an unprivileged user's folder a symbolic link could make root write elsewhere.
  const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0);
  const log = await open(logPath, flags, 0o600).catch(() => undefined);
  if (log && (await log.stat()).size < logLimitBytes) return log;
  await log?.close();
  await rename(logPath, `${logPath}.old`).catch(() => {}); // the error of opening it says more
  return await open(logPath, flags, 0o600);
}

async function readTail(logPath: string, logStart: number): Promise<string> {
  const log = await open(logPath);
  try {
    const { size } = await log.stat();
    const from = Math.max(logStart, size - logTailBytes);
    const { buffer, bytesRead } = await log.read(Buffer.alloc(logTailBytes), 0, logTailBytes, from);
    return buffer.toString("utf8", 0, bytesRead).trim();
  } finally {
    await log.close();
  }
}
