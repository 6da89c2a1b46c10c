import type { Child } from "./child-process.ts";

/** The processes that have served so far, the newest last. The service has to log at `debug`. */
export function workerPids({ lines }: Child): number[] {
  return lines.filter((line) => line.includes('"a worker process serves"')).map((line): number => JSON.parse(line).pid);
}

/** Whether a process is there, as a zombie or not. */
export function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
