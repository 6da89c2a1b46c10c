/** One worker process, as the primary sees it. */
import cluster, { type Worker } from "node:cluster";
import { once } from "node:events";
import { join } from "node:path";
import { settlesWithin } from "../domain/clock.ts";
import type { ToPrimary, ToWorker } from "./messages.ts";

/** A worker, for the parts of the primary that answer its messages. */
export interface WorkerLink {
  /** Distinct for every process, also for one that replaces another. */
  readonly id: number;
  send(message: ToWorker): void;
}

/** How a process has ended. */
interface ProcessEnd {
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** Why it could not be made. */
  readonly failure?: string;
}

export interface WorkerProcess extends WorkerLink {
  readonly pid: number | undefined;
  kill(): void;
  /** Resolves when it has ended and all that it sent has arrived. */
  readonly ended: Promise<ProcessEnd>;
}

const workerScript = join(import.meta.dirname, "main.ts");

/** Starts a process. `received` is called for each of its messages. */
export function forkWorker(received: (message: ToPrimary) => void): WorkerProcess {
  // For systems on which the primary accepts the connections: with the other policy one worker may get most of them.
  cluster.schedulingPolicy = cluster.SCHED_RR;
  cluster.setupPrimary({ exec: workerScript });
  const worker = cluster.fork();
  worker.on("message", received);
  return {
    id: worker.id,
    pid: worker.process.pid,
    send(message) {
      if (worker.isConnected()) worker.send(message);
    },
    kill: () => void worker.process.kill("SIGKILL"),
    ended: untilEnded(worker),
  };
}

/** How long the last message of a process may be on its way. */
const lastMessageMs = 1_000;

async function untilEnded(worker: Worker): Promise<ProcessEnd> {
  const { process: child } = worker;
  // Besides a failed start: a message to a worker that has just ended.
  worker.on("error", () => {});
  if (child.pid === undefined) {
    const [error] = await once(child, "error");
    return { exitCode: null, signal: null, failure: `a worker process cannot be made: ${error.message}` };
  }
  // Not by `once` of node:events, which rejects when such a message fails.
  await new Promise<void>((resolve) => worker.once("exit", () => resolve()));
  // Node emits no "disconnect" if the worker has not accepted a connection passed to it.
  if (worker.isConnected()) await settlesWithin(once(worker, "disconnect"), lastMessageMs);
  return { exitCode: child.exitCode, signal: child.signalCode };
}
