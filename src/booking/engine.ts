import assert from "node:assert/strict";
import { setTimeout as delay, setImmediate } from "node:timers/promises";
import type { Booking } from "../domain/booking.ts";
import type { Replayable } from "../domain/change.ts";
import { type Clock, monotonicClock } from "../domain/clock.ts";
import type { Concert } from "../domain/concert.ts";
import type { ChangeDeadline } from "../domain/deadline.ts";
import { DomainError, retryDelayMs } from "../domain/failure.ts";
import type { ConcertId } from "../domain/ids.ts";
import { ignoreEvents, type Publish } from "../domain/publish.ts";
import type { Batches } from "../store/batch/open.ts";
import { backOffMs } from "../store/retry.ts";
import { type BatchContext, type Committed, type InDoubtBatch, runBatch } from "./batch.ts";
import type { BookingCommand, Command } from "./commands.ts";
import { recoverCommit } from "./commit-recovery.ts";
import type { BookingEvents } from "./events.ts";
import type { BookingPolicy } from "./policy.ts";
import { ConcertQueues, createTasks, type Job, rejectAll, type TakeBatch } from "./queue.ts";
import { createRequeue } from "./requeue.ts";
import { createSoldOutCache, refuseSoldOut } from "./sold-out-cache.ts";
import { createWaitEstimate } from "./wait-estimate.ts";

/** Holds, books, confirms and cancels. Requests for one concert are decided in the order of their arrival, many in one transaction. */
export interface BookingEngine {
  /** Settles once the command's transaction is committed. Rejects with a `DomainError` that says why it was refused. */
  submit(command: BookingCommand, deadline: ChangeDeadline): Promise<Replayable<Booking>>;
  /** Puts the tickets of a concert's holds that are due back on sale. Resolves when none is left; rejects when the time is up. */
  expireHolds(concertId: ConcertId, deadline: ChangeDeadline): Promise<void>;
  /** To be called when a concert is changed by other means than the engine: what it has cached may be wrong. */
  concertChanged(concertId: ConcertId): void;
  /** How many requests wait for their turn. */
  queuedRequests(): number;
  /** Resolves when nothing is queued or under way any more. */
  idle(): Promise<void>;
}

export interface EngineOptions {
  readonly policy: BookingPolicy;
  /** Requests that may wait in all. The next one is refused with OVERLOADED at once, unless it settles a hold: see `placesFor`. */
  readonly maxQueuedRequests: number;
  /** Batches under way at once, each of another concert. */
  readonly maxConcurrentBatches: number;
  readonly maxRetries: number;
  /** Called for every concert that the engine changes: as it was committed, or undefined when only the database has it. */
  readonly concertChanged: (concertId: ConcertId, concert: Concert | undefined) => void;
  readonly publish?: Publish<BookingEvents>;
  readonly clock?: Clock;
  readonly wait?: (delayMs: number) => Promise<void>;
  /** Lets requests that have arrived at the sockets be read. */
  readonly readPending?: () => Promise<void>;
}

export function createBookingEngine(batches: Batches, options: EngineOptions): BookingEngine {
  const { policy, maxRetries, concertChanged, publish = ignoreEvents, clock = monotonicClock } = options;
  const { wait = delay, readPending = setImmediate } = options;
  const backOff = (retry: number) => wait(backOffMs(retry));
  const tasks = createTasks();
  const soldOut = createSoldOutCache(clock);
  const estimate = createWaitEstimate();
  const queues = new ConcertQueues({ maxTurns: options.maxConcurrentBatches, runTurn, tasks, publish, clock });
  const { requeue, onUndecided } = createRequeue(queues);
  const hooks = { onCommitted, onInDoubt, onUndecided };
  const context: BatchContext = { batches, policy, maxRetries, backOff, clock, publish, ...hooks };

  async function runTurn(concertId: ConcertId, takeBatch: TakeBatch): Promise<void> {
    // A refusal takes no time, so each turn would read and answer one request. Reading all that has arrived first, and
    // answering it together, serves 1.5 times as many a second.
    if (soldOut.find(concertId)) await readPending();
    const jobs = takeBatch();
    if (jobs.length === 0) return;
    const noted = soldOut.find(concertId);
    if (noted && (await refuseSoldOut(batches, jobs, noted, policy)))
      publish("booking.sold_out_refused", { concertId, requests: jobs.length });
    else {
      // A batch that is halved leaves undecided jobs in parts: together they keep their order.
      const undecided: Job[] = [];
      await runBatch(concertId, jobs, { ...context, onUndecided: (some) => undecided.push(...some) });
      onUndecided(undecided);
    }
  }

  function onCommitted(committed: Committed): void {
    const { concert, askedAtMs } = committed;
    estimate.noteTurn(clock.nowMs() - askedAtMs);
    // Only the database has the order of two concurrent changes.
    const isKnown = !queues.isOvertaken(concert.id);
    concertChanged(concert.id, isKnown ? concert : undefined);
    if (isKnown) soldOut.note(committed);
  }

  function onInDoubt(batch: InDoubtBatch): void {
    soldOut.forget(batch.concertId);
    tasks.track(
      recoverCommit(batch, { ...context, concertChanged, requeue }).catch((error) => rejectAll(batch.jobs, error)),
    );
  }

  /** Whether the deadline would pass before the command's turn, if every turn is as fast as the fastest recent one. */
  function isTooLate({ concertId }: Command, { expiresAtMs }: ChangeDeadline): boolean {
    const turns = queues.turnsAhead(concertId);
    // A sold-out concert's turns take no time.
    if (turns === 0 || soldOut.find(concertId)) return false;
    return clock.nowMs() + estimate.leastMs(turns) > expiresAtMs;
  }

  return {
    async submit(command, deadline) {
      if (queues.queuedJobs >= placesFor(command, options) || isTooLate(command, deadline)) {
        publish("booking.overloaded", { concertId: command.concertId });
        throw new DomainError({ reason: "OVERLOADED", retryDelayMs });
      }
      const answer = await queues.add(command, deadline);
      assert(answer, "a command has no answer");
      return answer;
    },
    expireHolds: async (concertId, deadline) => void (await queues.add({ kind: "expire", concertId }, deadline)),
    concertChanged(concertId) {
      soldOut.forget(concertId);
      queues.noteChange(concertId);
    },
    queuedRequests: () => queues.queuedJobs,
    idle: tasks.ended,
  };
}

/** How many places a command finds. Those that settle holds find as many again: customers may have paid for theirs. */
function placesFor({ kind }: Command, { maxQueuedRequests }: EngineOptions): number {
  return kind === "confirm" || kind === "release" ? 2 * maxQueuedRequests : maxQueuedRequests;
}
