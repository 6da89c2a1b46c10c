import { setImmediate } from "node:timers/promises";
import type { Booking } from "../domain/booking.ts";
import type { Concert } from "../domain/concert.ts";
import type { Deadline } from "../domain/deadline.ts";
import { DomainError, retryDelayMs } from "../domain/failure.ts";
import type { Replayable } from "../domain/replayable.ts";
import { backOffMs } from "../store/retry.ts";
import { type BatchContext, dropExpired, type Job, rejectAll, runBatch } from "./batch.ts";
import type { Batches } from "./batches.ts";
import type { EngineRequest } from "./commands.ts";
import { createLostBatchSettler } from "./commit-recovery.ts";
import type { BookingPolicy } from "./policy.ts";
import { answerLateCrowd } from "./refuse-sold-out.ts";
import { createSoldOutMemory } from "./sold-out-cache.ts";
import { createTurnTimes } from "./wait-estimate.ts";

/** Books and cancels. Requests for one concert are decided in the order of their arrival, many in one transaction. */
export interface BookingEngine {
  /** Settles once the request's transaction is committed; raises why not as a `DomainError`. */
  submit(request: EngineRequest, deadline: Deadline): Promise<Replayable<Booking>>;
  /** To be told when a concert is changed by anybody else than the engine: what it remembers may no longer hold. */
  concertChanged(concertId: bigint): void;
  /** How many requests wait for their turn at this moment. */
  queuedRequests(): number;
  /** Resolves when nothing is queued or under way any more. */
  idle(): Promise<void>;
}

export interface EngineOptions {
  readonly policy: BookingPolicy;
  /** Requests that may wait in all; the next one is refused with OVERLOADED at once. */
  readonly maxQueuedRequests: number;
  /** Batches under way at once, each of another concert. */
  readonly maxConcurrentBatches: number;
  readonly maxRetries: number;
  /** Hears of every concert that the engine changes: as it was committed, or undefined when only the database knows. */
  readonly concertChanged: (concertId: bigint, concert: Concert | undefined) => void;
  /** A monotonic clock, a way to wait, and one to let what has come by the sockets be read: tests have their own. */
  readonly clockMs?: () => number;
  readonly wait?: (delayMs: number) => Promise<void>;
  readonly readPending?: () => Promise<void>;
}

const maxBatchRequests = 512;
/** A transaction for fewer is not worth what it saves. */
const minHalfRequests = 64;
const maxRequeues = 3;

/** The requests for one concert that wait, and whether its turn is under way or due. */
interface ConcertQueue {
  readonly concertId: bigint;
  readonly jobs: Job[];
  isActive: boolean;
  /** How many the turn before has taken. */
  lastTaken: number;
  /** Whether the concert has been changed by somebody else since the turn began. */
  isOvertaken: boolean;
}

export function createBookingEngine(batches: Batches, options: EngineOptions): BookingEngine {
  const { policy, maxRetries, clockMs = () => performance.now(), wait = delay, readPending = setImmediate } = options;
  const queues = new Map<bigint, ConcertQueue>();
  const due: ConcertQueue[] = [];
  const underWay = new Set<Promise<void>>();
  const soldOut = createSoldOutMemory(clockMs);
  const turnTimes = createTurnTimes();
  let queuedRequests = 0;
  let concurrentBatches = 0;

  const context: BatchContext = {
    batches,
    policy,
    maxRetries,
    backOff: (retry) => wait(backOffMs(retry)),
    clockMs,
    onCommitted: (concert, now, askedAtMs) => {
      turnTimes.note(clockMs() - askedAtMs);
      // Which of the two changes came first only the database knows.
      if (queues.get(concert.id)?.isOvertaken) return options.concertChanged(concert.id, undefined);
      options.concertChanged(concert.id, concert);
      soldOut.note(concert, now, askedAtMs);
    },
    onLostCommit: (lost) => {
      soldOut.forget(lost.concertId);
      track(settleLost(lost).catch((error) => rejectAll(lost.jobs, error)));
    },
  };
  const settleLost = createLostBatchSettler({
    ...{ batches, backOff: context.backOff, clockMs, requeue },
    concertChanged: (concertId) => options.concertChanged(concertId, undefined),
  });

  function track(work: Promise<void>): void {
    const tracked = work.finally(() => underWay.delete(tracked));
    underWay.add(tracked);
  }

  function enqueue(job: Job): void {
    const { concertId } = job.request;
    let queue = queues.get(concertId);
    if (!queue) {
      queue = { concertId, jobs: [], isActive: false, lastTaken: 0, isOvertaken: false };
      queues.set(concertId, queue);
    }
    queue.jobs.push(job);
    queuedRequests++;
    activate(queue);
  }

  function activate(queue: ConcertQueue): void {
    if (queue.isActive) return;
    queue.isActive = true;
    due.push(queue);
    startTurns();
  }

  function startTurns(): void {
    while (concurrentBatches < options.maxConcurrentBatches) {
      const queue = due.shift();
      if (!queue) return;
      concurrentBatches++;
      track(takeTurn(queue));
    }
  }

  /** Whether a request would still wait for its turn when its caller's time is up, though no turn takes longer than usual. */
  function wouldBeTooLate({ concertId }: EngineRequest, { expiresAtMs }: Deadline): boolean {
    const queue = queues.get(concertId);
    // Refusals take no time to speak of.
    if (!queue || expiresAtMs === undefined || soldOut.isSoldOut(concertId)) return false;
    const turnsOfConcert = Math.ceil((queue.jobs.length + 1) / maxBatchRequests);
    const turnsAtOnce = Math.max(1, queues.size / options.maxConcurrentBatches);
    return clockMs() + turnTimes.atLeastMs(turnsOfConcert * turnsAtOnce) > expiresAtMs;
  }

  /** One batch of a concert; then it is the next concert's turn. */
  async function takeTurn(queue: ConcertQueue): Promise<void> {
    // Refusing takes no time, so a crowd would be read and answered one by one, which wakes both ends for every single
    // one. Those whose requests are there already are read first and answered together: half as many more a second.
    if (soldOut.isSoldOut(queue.concertId)) await readPending();
    const taken = queue.jobs.splice(0, batchSize(queue));
    queue.lastTaken = taken.length;
    queuedRequests -= taken.length;
    queue.isOvertaken = false;
    const jobs = dropExpired(taken);
    try {
      // Also without jobs: many such turns must not call one another.
      await runTurn(queue.concertId, jobs);
    } catch (error) {
      rejectAll(jobs, error);
    }
    concurrentBatches--;
    queue.isActive = false;
    if (queue.jobs.length > 0) activate(queue);
    else queues.delete(queue.concertId);
    startTurns();
  }

  async function runTurn(concertId: bigint, jobs: readonly Job[]): Promise<void> {
    const requests = jobs.map((job) => job.request).filter((request) => request.kind === "book");
    // A cancel brings tickets back: then only the transaction knows.
    const isLate = soldOut.isSoldOut(concertId) && requests.length === jobs.length;
    // A batch repeats what is worth it, and finds out whose fault it is.
    if (!isLate || !(await answerLateCrowd(batches, jobs, requests, policy))) await runBatch(concertId, jobs, context);
  }

  /** Back into the queue: its batch has not been stored. */
  function requeue(job: Job): void {
    job.requeued++;
    job.deadline.begun = false;
    if (job.requeued <= maxRequeues) enqueue(job);
    else job.reject(new DomainError({ reason: "DATABASE_UNAVAILABLE", retryDelayMs }));
  }

  return {
    submit: (request, deadline) =>
      new Promise((resolve, reject) => {
        if (queuedRequests >= options.maxQueuedRequests || wouldBeTooLate(request, deadline)) {
          reject(new DomainError({ reason: "OVERLOADED", retryDelayMs }));
        } else {
          enqueue({ request, deadline, requeued: 0, resolve, reject });
        }
      }),
    concertChanged: (concertId) => {
      soldOut.forget(concertId);
      const queue = queues.get(concertId);
      if (queue) queue.isOvertaken = true;
    },
    queuedRequests: () => queuedRequests,
    idle: async () => {
      while (underWay.size > 0) await Promise.all(underWay);
    },
  };
}

/**
 * How many of those who wait the next turn takes: half of the crowd, to which those belong who have just been answered and
 * may come again. So two halves take turns, one with the database while the other one is answered and read; of a crowd that is
 * taken whole nothing is left to do meanwhile.
 */
function batchSize({ jobs, lastTaken }: ConcertQueue): number {
  const half = Math.ceil((jobs.length + lastTaken) / 2);
  return Math.min(maxBatchRequests, Math.max(minHalfRequests, half));
}

function delay(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}
