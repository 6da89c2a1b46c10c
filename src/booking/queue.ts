/** The queues of requests, one a concert, and the turns that take batches from them. */
import assert from "node:assert/strict";
import type { Booking } from "../domain/booking.ts";
import type { CallTrace } from "../domain/call-trace.ts";
import type { Replayable } from "../domain/change.ts";
import type { Clock } from "../domain/clock.ts";
import { type ChangeDeadline, isOver, notAwaited, type Progress } from "../domain/deadline.ts";
import type { ConcertId } from "../domain/ids.ts";
import type { Publish } from "../domain/publish.ts";
import type { Command } from "./commands.ts";
import type { BookingEvents } from "./events.ts";

/** A command in a queue, and the caller that waits for its answer. */
export interface Job {
  readonly command: Command;
  readonly deadline: ChangeDeadline;
  /** When it was queued, for the last time, by the engine's clock. */
  queuedAtMs: number;
  progress: Progress;
  /** How often it went back into the queue after a commit in doubt that was not stored. */
  requeues: number;
  /** How often it went back into the queue because holds were due. */
  undecided: number;
  /** Undefined for a command of the service itself. */
  resolve(answer: Replayable<Booking> | undefined): void;
  reject(error: unknown): void;
}

/** Takes the next batch of the queue whose turn it is. Jobs whose callers have stopped waiting are rejected. */
export type TakeBatch = () => Job[];

export interface QueueOptions {
  /** Turns under way at once. */
  readonly maxTurns: number;
  /** Settles the jobs that it takes. If it throws, they are rejected with the error. */
  readonly runTurn: (concertId: ConcertId, takeBatch: TakeBatch) => Promise<void>;
  /** Tracks the turns. */
  readonly tasks: Tasks;
  readonly publish: Publish<BookingEvents>;
  readonly clock: Clock;
}

/** Work under way that its callers do not await. */
type Tasks = ReturnType<typeof createTasks>;

export function createTasks() {
  const tasks = new Set<Promise<void>>();
  return {
    track(task: Promise<void>): void {
      const tracked = task.finally(() => tasks.delete(tracked));
      tasks.add(tracked);
    },
    /** Resolves when no task is under way any more. */
    async ended(): Promise<void> {
      while (tasks.size > 0) await Promise.all(tasks);
    },
  };
}

const maxBatchJobs = 512;
/** A transaction for fewer is not worth what it saves. */
const minHalfJobs = 64;

/** The jobs of one concert. A queue exists while jobs wait or its turn is under way. */
interface ConcertQueue {
  readonly concertId: ConcertId;
  readonly jobs: Job[];
  /** Whether its turn is under way or due. */
  isActive: boolean;
  /** How many jobs its last turn took. */
  lastTaken: number;
  isOvertaken: boolean;
}

/** Concerts take turns: after each batch it is the next concert's turn. */
export class ConcertQueues {
  readonly #options: QueueOptions;
  readonly #queues = new Map<ConcertId, ConcertQueue>();
  readonly #due: ConcertQueue[] = [];
  #queued = 0;
  #running = 0;

  constructor(options: QueueOptions) {
    this.#options = options;
  }

  /** Settles with the command's answer; undefined for a command of the service itself. */
  add(command: Command, deadline: ChangeDeadline): Promise<Replayable<Booking> | undefined> {
    const queue = this.#queues.getOrInsertComputed(command.concertId, emptyQueue);
    const { promise, resolve, reject } = Promise.withResolvers<Replayable<Booking> | undefined>();
    const queuedAtMs = this.#options.clock.nowMs();
    const counts = { requeues: 0, undecided: 0 };
    queue.jobs.push({ command, deadline, queuedAtMs, progress: "waiting", ...counts, resolve, reject });
    this.#queued++;
    this.#activate(queue);
    return promise;
  }

  /** Puts jobs of one turn back, before those that came after them. */
  putBack(jobs: readonly Job[]): void {
    const [first] = jobs;
    if (!first) return;
    const queue = this.#queues.getOrInsertComputed(first.command.concertId, emptyQueue);
    const queuedAtMs = this.#options.clock.nowMs();
    for (const job of jobs) {
      assert(job.progress === "begun", "a job is put back twice");
      setProgress(job, "waiting");
      job.queuedAtMs = queuedAtMs;
    }
    queue.jobs.unshift(...jobs);
    this.#queued += jobs.length;
    this.#activate(queue);
  }

  /** How many jobs wait in all queues. */
  get queuedJobs(): number {
    return this.#queued;
  }

  /** At least how many turns pass before the one that takes a job that is added now; 0 if it starts at once. */
  turnsAhead(concertId: ConcertId): number {
    const queue = this.#queues.get(concertId);
    if (!queue) return 0;
    const turnsOfConcert = Math.ceil((queue.jobs.length + 1) / maxBatchJobs);
    return turnsOfConcert * Math.max(1, this.#queues.size / this.#options.maxTurns);
  }

  /** Notes that a concert was changed by other means than its turn. */
  noteChange(concertId: ConcertId): void {
    const queue = this.#queues.get(concertId);
    if (queue) queue.isOvertaken = true;
  }

  /** Whether it was, since its turn took its batch. */
  isOvertaken(concertId: ConcertId): boolean {
    return this.#queues.get(concertId)?.isOvertaken ?? false;
  }

  #activate(queue: ConcertQueue): void {
    if (queue.isActive) return;
    queue.isActive = true;
    this.#due.push(queue);
    this.#startTurns();
  }

  #startTurns(): void {
    while (this.#running < this.#options.maxTurns) {
      const queue = this.#due.shift();
      if (!queue) return;
      this.#running++;
      this.#options.tasks.track(this.#takeTurn(queue));
    }
  }

  async #takeTurn(queue: ConcertQueue): Promise<void> {
    const { runTurn, publish, clock } = this.#options;
    const { concertId } = queue;
    let taken: Job[] = [];
    const take = () => {
      taken = takeHalf(queue);
      this.#queued -= taken.length;
    };
    const takeBatch = () => {
      assert(taken.length === 0, "a turn takes a second batch");
      take();
      this.#check(queue, taken);
      const counts = { requests: taken.length, queued: this.#queued };
      const waits = { takenAtMs: clock.nowMs(), jobs: taken };
      publish("booking.turn_started", { concertId, ...counts, ...waits, traced: tracedOf(taken) });
      return beginJobs(taken, clock);
    };
    try {
      // Awaited also if all callers have stopped waiting: many such turns in a row must not nest their calls.
      await runTurn(concertId, takeBatch);
    } catch (error) {
      // Jobs that stay in the queue would begin the same turn again at once.
      if (taken.length === 0) take();
      rejectAll(taken, error);
    }
    this.#running--;
    queue.isActive = false;
    if (queue.jobs.length > 0) this.#activate(queue);
    else this.#queues.delete(concertId);
    this.#startTurns();
  }

  /** Throws if the queues contradict themselves: then a request could be lost, or be decided twice. */
  #check(queue: ConcertQueue, taken: readonly Job[]): void {
    const [queued, running] = [this.#queued, this.#running];
    assert(this.#queues.get(queue.concertId) === queue, "a concert has a second queue");
    assert(queue.isActive, "a turn takes from a queue that is not active");
    assert(running > 0 && running <= this.#options.maxTurns, "turns are not counted right");
    assert(taken.length > 0 && taken.length <= maxBatchJobs, "a turn takes no job or too many");
    assert(queued >= queue.jobs.length, "more jobs are queued than are counted");
    assert(this.#queues.size > 1 || queued === queue.jobs.length, "fewer jobs are queued than are counted");
    for (const { progress, command } of taken) {
      assert(progress === "waiting", "a job is taken twice");
      assert(command.concertId === queue.concertId, "a job is in the queue of another concert");
    }
  }
}

function emptyQueue(concertId: ConcertId): ConcertQueue {
  return { concertId, jobs: [], isActive: false, lastTaken: 0, isOvertaken: false };
}

/**
 * Takes about half of the outstanding requests: queued ones, and those just answered, whose clients may send again. The
 * next batch forms while this one is in the database. Taking everything would leave the process idle during the commit.
 */
function takeHalf(queue: ConcertQueue): Job[] {
  const half = Math.ceil((queue.jobs.length + queue.lastTaken) / 2);
  const taken = queue.jobs.splice(0, Math.min(maxBatchJobs, Math.max(minHalfJobs, half)));
  queue.lastTaken = taken.length;
  queue.isOvertaken = false;
  return taken;
}

/** The jobs whose callers still wait, marked as begun. The others are rejected, with nothing stored. */
export function beginJobs(jobs: readonly Job[], clock: Clock): Job[] {
  return jobs.filter((job) => {
    if (isOver(job.deadline, clock)) {
      job.reject(notAwaited());
      return false;
    }
    setProgress(job, "begun");
    return true;
  });
}

/** The jobs whose calls are traced; undefined if none is. */
export function tracedOf(jobs: readonly Job[]) {
  let traced: { readonly trace: CallTrace; readonly queuedAtMs: number }[] | undefined;
  for (const { deadline, queuedAtMs } of jobs) {
    const { trace } = deadline;
    if (!trace?.isSampled) continue;
    traced ??= [];
    traced.push({ trace, queuedAtMs });
  }
  return traced;
}

export function setProgress(job: Job, progress: Progress): void {
  job.progress = progress;
  job.deadline.onProgress(progress);
}

export function rejectAll(jobs: readonly Job[], error: unknown): void {
  for (const job of jobs) job.reject(error);
}
