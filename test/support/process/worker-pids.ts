import { readFileSync } from "node:fs";
import type { Child } from "./child-process.ts";

/** The processes that have served so far, the newest last. The service has to log at `debug`. */
export function workerPids(service: Pick<Child, "lines">): number[] {
  return starts(service).map(({ pid }) => pid);
}

/** The newest process of a worker. */
export function pidOfWorker(service: Pick<Child, "lines">, number: number): number {
  const pid = starts(service).findLast(({ worker }) => worker === number)?.pid;
  if (pid === undefined) throw new Error(`worker ${number} has not served`);
  return pid;
}

function starts({ lines }: Pick<Child, "lines">): { readonly worker: number; readonly pid: number }[] {
  return lines.filter((line) => line.includes('"a worker process serves"')).map((line) => JSON.parse(line));
}

/** The workers that have answered calls, in order. */
export function answeringWorkers({ lines }: Pick<Child, "lines">): number[] {
  return lines.filter((line) => line.includes('"msg":"call"')).map((line): number => JSON.parse(line).worker);
}

/** A call over a new connection, for which the system chooses a worker. */
export function callAnew(url: string, init: RequestInit = {}): Promise<Response> {
  return fetch(url, { ...init, headers: { Connection: "close", "Content-Type": "application/json", ...init.headers } });
}

/** Calls until workers 1 and 2 have answered: the system chooses one for each connection. Resolves with the number of calls. */
export async function callUntilBothAnswer(
  service: Pick<Child, "lines">,
  call: () => Promise<unknown>,
): Promise<number> {
  for (let calls = 1; ; calls++) {
    await call();
    if (new Set(answeringWorkers(service)).size === 2) return calls;
    if (calls === 200) throw new Error("one worker has answered 200 calls");
  }
}

/** The child processes of a process that is there. Linux only. */
export function childPids(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
  return text.split(" ").filter(Boolean).map(Number);
}

/** Whether a process is there, as a zombie or not. */
export function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
