/** Starts worker processes, replaces those that end or hang, and stops all. */
import { OperatorError } from "../domain/operator-error.ts";
import type { Publish } from "../domain/publish.ts";
import type { WorkerEnd, WorkerEvents } from "./events.ts";
import { createLife, type Life, lifeIntervalMs } from "./life.ts";
import type { PartMessage, Ports, StartOrder, ToPrimary } from "./messages.ts";
import { createRestarts } from "./restarts.ts";
import { forkWorker, type WorkerLink, type WorkerProcess } from "./worker-process.ts";

interface SupervisorOptions {
  readonly order: Omit<StartOrder, "worker" | "ports">;
  readonly publish: Publish<WorkerEvents>;
  /** A worker that has not ended so long after `stop` is killed. */
  readonly stopTimeoutMs: number;
  /** Called for each message that is not about the worker's own state. */
  readonly received: (worker: WorkerLink, message: PartMessage) => void;
  /** Called when a worker has ended. */
  readonly left: (worker: WorkerLink) => void;
}

export interface Supervisor {
  /** Resolves when every worker has served, with the ports that they share. Rejects when one ends before. */
  readonly started: Promise<Ports>;
  /** Resolves with the reason when a worker ends again and again. */
  readonly failed: Promise<Error>;
  /** The workers that serve. */
  serving(): readonly WorkerLink[];
  /** How many of them give no sign of life. */
  silent(): number;
  /** Drains all workers. Resolves with whether each has ended in order. Further calls with `atOnce` shorten the first. */
  stop(options: { readonly atOnce: boolean }): Promise<boolean>;
}

interface RunningWorker {
  readonly number: number;
  readonly process: WorkerProcess;
  readonly life: Life;
  servesSinceMs?: number;
  failure?: string;
}

/** A signal to the process group ends a worker that does not ignore it yet. The primary's own may come a moment later. */
const groupSignalMs = 200;

/** Starts the workers: the others when the first one has opened the ports. */
export function superviseWorkers(options: SupervisorOptions, makeProcess = forkWorker): Supervisor {
  const { order, publish, received, left } = options;
  const { promise: started, resolve: open, reject: failStart } = Promise.withResolvers<Ports>();
  const { promise: failed, resolve: fail } = Promise.withResolvers<Error>();
  const restarts = createRestarts();
  const running = new Map<RunningWorker, Promise<boolean>>();
  const delays = new Set<NodeJS.Timeout>();
  const checks = setInterval(check, lifeIntervalMs);
  const serving = () => [...running.keys()].filter(({ servesSinceMs }) => servesSinceMs !== undefined);
  let ports: Ports | undefined;
  let isOpen = false;
  let stopped: Promise<boolean> | undefined;
  started.catch(() => {});

  function launch(number: number): void {
    const process = makeProcess((message) => take(worker, message));
    const worker: RunningWorker = { number, process, life: createLife() };
    process.send({ type: "start", worker: number, ports, ...order });
    running.set(worker, untilLeft(worker));
  }

  function take(worker: RunningWorker, message: ToPrimary): void {
    if (message.type === "alive") worker.life.seen();
    else if (message.type === "failed") worker.failure = message.sentence;
    else if (message.type === "serving") noteServing(worker, message);
    else received(worker.process, message);
  }

  function noteServing(worker: RunningWorker, { restPort, grpcPort }: Ports): void {
    worker.servesSinceMs = performance.now();
    worker.life.serves();
    publish("workers.started", { worker: worker.number, pid: worker.process.pid });
    if (stopped) return;
    if (!ports) {
      ports = { restPort, grpcPort };
      for (let number = 2; number <= order.workers; number++) launch(number);
    }
    isOpen ||= serving().length === order.workers;
    if (isOpen) open(ports);
  }

  /** Resolves with whether it has ended in order. */
  async function untilLeft(worker: RunningWorker): Promise<boolean> {
    const { exitCode, signal, failure = worker.failure } = await worker.process.ended;
    const { number, process, servesSinceMs } = worker;
    running.delete(worker);
    left(process);
    // One that has not served has cut nothing, as when a signal to the process group ends it in its start.
    const isInOrder = exitCode === 0 || (servesSinceMs === undefined && failure === undefined);
    const end = { worker: number, exitCode, signal, failure };
    if (!stopped) replace(end, servesSinceMs);
    else if (!isInOrder) publish("workers.ended", { ...end, restartMs: undefined });
    return isInOrder;
  }

  function replace(end: WorkerEnd, servedSinceMs: number | undefined): void {
    if (!isOpen) {
      delays.add(setTimeout(failStart, end.signal === null ? 0 : groupSignalMs, new OperatorError(describe(end))));
      return;
    }
    const servedMs = servedSinceMs === undefined ? 0 : performance.now() - servedSinceMs;
    const restartMs = restarts.delayAfter(end.worker, servedMs);
    publish("workers.ended", { ...end, restartMs });
    if (restartMs === undefined) {
      const often = `worker ${end.worker} ended six times in a row within 10 seconds of its start`;
      fail(new OperatorError(`${often}; the last time: ${describe(end)}`));
      return;
    }
    const delay = setTimeout(() => {
      delays.delete(delay);
      launch(end.worker);
    }, restartMs);
    delays.add(delay);
  }

  function check(): void {
    for (const worker of running.keys()) {
      const reason = worker.life.check();
      if (reason) kill(worker, reason);
    }
  }

  function kill({ number, process }: RunningWorker, reason: WorkerEvents["workers.killed"]["reason"]): void {
    publish("workers.killed", { worker: number, pid: process.pid, reason });
    process.kill();
  }

  /** Kills the workers that have not ended in time. */
  async function untilAllLeft(): Promise<boolean> {
    const limit = setTimeout(() => {
      for (const worker of running.keys()) kill(worker, "stopping");
    }, options.stopTimeoutMs);
    const areInOrder = await Promise.all(running.values());
    clearTimeout(limit);
    clearInterval(checks);
    return areInOrder.every((isInOrder) => isInOrder);
  }

  launch(1);
  return {
    started,
    failed,
    serving: () => serving().map(({ process }) => process),
    silent: () => serving().filter(({ life }) => life.isSilent()).length,
    stop({ atOnce }) {
      for (const delay of delays) clearTimeout(delay);
      for (const { process } of running.keys()) process.send({ type: "stop", atOnce });
      stopped ??= untilAllLeft();
      return stopped;
    },
  };
}

function describe({ failure, signal, exitCode }: WorkerEnd): string {
  return failure ?? `a worker process ended (${signal ?? `status ${exitCode}`})`;
}
