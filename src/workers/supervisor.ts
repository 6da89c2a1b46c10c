/** Starts worker processes, replaces those that end, and stops all. */
import cluster, { type Worker } from "node:cluster";
import { once } from "node:events";
import { join } from "node:path";
import { settlesWithin } from "../domain/clock.ts";
import { OperatorError } from "../domain/operator-error.ts";
import type { Publish } from "../domain/publish.ts";
import type { WorkerEnd, WorkerEvents } from "./events.ts";
import type { PartMessage, Ports, StartOrder, ToPrimary, ToWorker } from "./messages.ts";
import { createRestarts } from "./restarts.ts";

/** A worker, for the parts of the primary that answer its messages. */
export interface WorkerLink {
  /** Distinct for every process, also for one that replaces another. */
  readonly id: number;
  send(message: ToWorker): void;
}

interface SupervisorOptions {
  readonly count: number;
  readonly order: Omit<StartOrder, "worker">;
  readonly publish: Publish<WorkerEvents>;
  /** A worker that has not ended so long after `stop` is killed. */
  readonly stopTimeoutMs: number;
  /** Called for each message that is not about the worker's start. */
  readonly received: (worker: WorkerLink, message: PartMessage) => void;
  /** Called when a worker has ended. */
  readonly left: (worker: WorkerLink) => void;
}

export interface Supervisor {
  /** Resolves when every worker has served, with the ports that they share. Rejects when one ends before. */
  readonly started: Promise<Ports>;
  /** Resolves with the reason when workers end again and again. */
  readonly failed: Promise<Error>;
  /** The workers that serve. */
  serving(): readonly WorkerLink[];
  /** Drains all workers. Resolves with whether each has ended in order. Further calls with `atOnce` shorten the first. */
  stop(options: { readonly atOnce: boolean }): Promise<boolean>;
}

/** A signal to the process group ends a worker that does not ignore it yet. The primary's own may come a moment later. */
const groupSignalMs = 200;

const workerScript = join(import.meta.dirname, "main.ts");

/** Starts the workers. */
export function superviseWorkers(options: SupervisorOptions): Supervisor {
  const { count, order, publish, received, left } = options;
  prepareCluster();
  const { promise: started, resolve: open, reject: failStart } = Promise.withResolvers<Ports>();
  const { promise: failed, resolve: fail } = Promise.withResolvers<Error>();
  const restarts = createRestarts();
  const running = new Map<Worker, Promise<boolean>>();
  const serving = new Map<Worker, WorkerLink>();
  const delays = new Set<NodeJS.Timeout>();
  let isOpen = false;
  let isStopping = false;
  started.catch(() => {});

  function launch(number: number): void {
    const worker = cluster.fork();
    const link = linkTo(worker);
    let servesSinceMs: number | undefined;
    let failure: string | undefined;
    worker.on("message", (message: ToPrimary) => {
      if (message.type === "failed") failure = message.sentence;
      else if (message.type === "serving") {
        servesSinceMs = performance.now();
        serving.set(worker, link);
        publish("workers.started", { worker: number, pid: worker.process.pid, serving: serving.size });
        isOpen ||= serving.size === count;
        if (isOpen) open({ restPort: message.restPort, grpcPort: message.grpcPort });
      } else received(link, message);
    });
    link.send({ type: "start", worker: number, ...order });
    const ended = untilEnded(worker).then(({ exitCode, signal }) => {
      running.delete(worker);
      serving.delete(worker);
      left(link);
      if (!isStopping) replace({ worker: number, exitCode, signal, failure }, servesSinceMs);
      // One that has not served has cut nothing, as when a signal to the process group ends it in its start.
      return exitCode === 0 || servesSinceMs === undefined;
    });
    running.set(worker, ended);
  }

  function replace(end: WorkerEnd, servedSinceMs: number | undefined): void {
    if (!isOpen) {
      delays.add(setTimeout(failStart, end.signal === null ? 0 : groupSignalMs, new OperatorError(describe(end))));
      return;
    }
    const restartMs = restarts.delayAfter(servedSinceMs === undefined ? 0 : performance.now() - servedSinceMs);
    publish("workers.ended", { ...end, serving: serving.size, restartMs });
    if (restartMs === undefined) {
      fail(new OperatorError(`worker processes end again and again, the last one so: ${describe(end)}`));
      return;
    }
    const delay = setTimeout(() => {
      delays.delete(delay);
      launch(end.worker);
    }, restartMs);
    delays.add(delay);
  }

  async function stop({ atOnce }: { readonly atOnce: boolean }): Promise<boolean> {
    isStopping = true;
    for (const delay of delays) clearTimeout(delay);
    for (const worker of running.keys()) linkTo(worker).send({ type: "stop", atOnce });
    return await endWithin(options.stopTimeoutMs, running);
  }

  for (let number = 1; number <= count; number++) launch(number);
  return { started, failed, serving: () => [...serving.values()], stop };
}

function prepareCluster(): void {
  // With the other policy each worker accepts by itself, and the system may give most connections to one.
  cluster.schedulingPolicy = cluster.SCHED_RR;
  cluster.setupPrimary({ exec: workerScript });
}

function describe({ failure, signal, exitCode }: WorkerEnd): string {
  return failure ?? `a worker process ended (${signal ?? `status ${exitCode}`})`;
}

/** Kills the workers that have not ended by then. Resolves with whether each has ended in order. */
async function endWithin(timeoutMs: number, running: ReadonlyMap<Worker, Promise<boolean>>): Promise<boolean> {
  const limit = setTimeout(() => {
    for (const worker of running.keys()) worker.process.kill("SIGKILL");
  }, timeoutMs);
  const areInOrder = await Promise.all(running.values()).finally(() => clearTimeout(limit));
  return areInOrder.every((isInOrder) => isInOrder);
}

function linkTo(worker: Worker): WorkerLink {
  return {
    id: worker.id,
    send(message) {
      if (worker.isConnected()) worker.send(message);
    },
  };
}

const lastMessageMs = 1_000;

/** Resolves when a worker has ended and all that it sent has arrived, or when its process could not be made. */
async function untilEnded(
  worker: Worker,
): Promise<{ readonly exitCode: number | null; readonly signal: string | null }> {
  const { process: child } = worker;
  // Besides a failed start: a message to a worker that has just ended.
  worker.on("error", () => {});
  if (child.pid === undefined) {
    await once(child, "error").catch(() => {});
    return { exitCode: null, signal: null };
  }
  await once(worker, "exit");
  // Its last message may be on the way. Node emits no "disconnect" if the worker has not accepted a connection passed to it.
  if (worker.isConnected()) await settlesWithin(once(worker, "disconnect"), lastMessageMs);
  return { exitCode: child.exitCode, signal: child.signalCode };
}
