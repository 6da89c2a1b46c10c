import assert from "node:assert/strict";
import type { Clock } from "../domain/clock.ts";
import type { Concert } from "../domain/concert.ts";
import { DomainError } from "../domain/failure.ts";
import type { ConcertId } from "../domain/ids.ts";
import type { Publish } from "../domain/publish.ts";
import { CommitInDoubtError } from "../store/batch/commit.ts";
import type { Batches, BatchQuery } from "../store/batch/open.ts";
import { asFailure, isTransient } from "../store/sqlstate.ts";
import type { Answer } from "./answers.ts";
import { type Command, isOrder } from "./commands.ts";
import { type BatchPlan, decideBatch } from "./decide.ts";
import type { BatchAttempt, BatchChanges, BatchInstants, BatchTrace, BookingEvents } from "./events.ts";
import { maxDueHolds } from "./ledger.ts";
import type { BookingPolicy } from "./policy.ts";
import { beginJobs, type Job, rejectAll, setProgress, tracedOf } from "./queue.ts";

export interface BatchContext {
  readonly batches: Batches;
  readonly policy: BookingPolicy;
  readonly maxRetries: number;
  /** Waits before the retry of that number, counted from 0. */
  readonly backOff: (retry: number) => Promise<void>;
  readonly clock: Clock;
  readonly publish: Publish<BookingEvents>;
  /** Called with a concert as it was committed, before any caller is answered. */
  readonly onCommitted: (committed: Committed) => void;
  /** Takes over the jobs of a batch in doubt. The next batch does not wait for them. */
  readonly onInDoubt: (batch: InDoubtBatch) => void;
  /** Takes the jobs that the batch has left undecided, in their order. */
  readonly onUndecided: (jobs: readonly Job[]) => void;
}

/** A concert as a batch has left it. */
export interface Committed {
  readonly concert: Concert;
  readonly now: Temporal.Instant;
  /** See `BatchPlan`. */
  readonly nextExpiry: Temporal.Instant | undefined;
  /** When the batch began, by the engine's clock. */
  readonly askedAtMs: number;
}

/** A batch that may be committed or not, with the answers of its jobs if it is. */
export interface InDoubtBatch extends BatchAttempt {
  readonly jobs: readonly Job[];
  readonly plan: BatchPlan;
  readonly error: CommitInDoubtError;
}

/**
 * Runs jobs of one concert as one transaction and settles each, unless the commit is in doubt. A batch that fails for a
 * transient reason is retried. For any other reason it is halved until the request at fault is alone.
 */
export async function runBatch(concertId: ConcertId, jobs: readonly Job[], context: BatchContext): Promise<void> {
  const { maxRetries, backOff, clock, publish } = context;
  let live = jobs;
  for (let retry = 0; live.length > 0; retry++) {
    const instants: BatchInstants = { askedAtMs: clock.nowMs() };
    let settle: () => void;
    try {
      settle = await transact(concertId, live, instants, context);
    } catch (error) {
      instants.endedAtMs = clock.nowMs();
      const failed = { ...attemptOf(concertId, live, instants), error };
      if (isTransient(error) && retry < maxRetries) {
        // Nothing is stored: a caller whose deadline passes before the next attempt can rely on that.
        for (const job of live) setProgress(job, "waiting");
        await backOff(retry);
        publish("booking.batch_retried", { ...failed, attempt: retry + 1 });
        live = beginJobs(live, clock);
        continue;
      }
      const failure = asFailure(error);
      if (failure instanceof DomainError || live.length === 1) {
        publish("booking.batch_failed", failed);
        return rejectAll(live, failure);
      }
      publish("booking.batch_halved", failed);
      const middle = live.length >> 1;
      await runBatch(concertId, live.slice(0, middle), context);
      return await runBatch(concertId, live.slice(middle), context);
    }
    // Outside of the `try`: an error here must not repeat a transaction that is committed.
    return settle();
  }
}

/**
 * Decides jobs of one concert and writes what they change, in one transaction. Returns what settles the jobs, to be called
 * when the connection is back in the pool. After an error nothing is stored. `instants` gets each instant as it comes, so that
 * they are known of an attempt that fails.
 */
async function transact(
  concertId: ConcertId,
  jobs: readonly Job[],
  instants: BatchInstants,
  context: BatchContext,
): Promise<() => void> {
  const { batches, policy, clock, publish } = context;
  const commands = jobs.map(({ command }) => command);
  await using open = await batches.open(queryFor(concertId, commands));
  const lockedAtMs = clock.nowMs();
  instants.lockedAtMs = lockedAtMs;
  const attempt = () => attemptOf(concertId, jobs, instants);
  const { state } = open;
  if (!state) {
    return () => {
      publish("booking.concert_not_found", attempt());
      jobs.forEach(rejectWithoutConcert);
    };
  }
  const plan = decideBatch(commands, state, policy);
  const { answers, effects, nextExpiry } = plan;
  assert(answers.length === jobs.length, "a batch has not one answer a request");
  const isWriting = effects.inserts.length > 0 || effects.updates.length > 0;
  let commitMs: number | undefined;
  try {
    if (isWriting) {
      const sentAtMs = clock.nowMs();
      instants.sentAtMs = sentAtMs;
      await open.commit(effects);
      instants.committedAtMs = clock.nowMs();
      commitMs = instants.committedAtMs - sentAtMs;
    }
  } catch (error) {
    if (!(error instanceof CommitInDoubtError)) throw error;
    return () => context.onInDoubt({ jobs, plan, error, ...attempt() });
  }
  return () => {
    const lockHeldMs = clock.nowMs() - lockedAtMs;
    publish("booking.batch_decided", { ...attempt(), ...countChanges(plan), lockHeldMs, commitMs });
    const { availableTickets, heldTickets } = effects;
    const concert = { ...state.concert, availableTickets, heldTickets };
    context.onCommitted({ concert, now: state.now, nextExpiry, askedAtMs: instants.askedAtMs });
    answerAll(jobs, answers, context.onUndecided);
  };
}

function attemptOf(concertId: ConcertId, jobs: readonly Job[], instants: BatchInstants): BatchAttempt {
  const { askedAtMs, endedAtMs = askedAtMs, lockedAtMs = endedAtMs } = instants;
  const lockWaitMs = lockedAtMs - askedAtMs;
  return { concertId, requests: jobs.length, lockWaitMs, batchTrace: batchTraceOf(jobs, instants) };
}

/** What the traces of a batch need; undefined if none of its calls is traced. */
function batchTraceOf(jobs: readonly Job[], instants: BatchInstants): BatchTrace | undefined {
  const traces = tracedOf(jobs)?.map(({ trace }) => trace);
  return traces && { traces, ...instants };
}

/** What has to be read to decide these commands. */
function queryFor(concertId: ConcertId, commands: readonly Command[]): BatchQuery {
  const orders = commands.filter(isOrder);
  const limited = orders.filter(({ isExempt }) => !isExempt);
  const late = commands.filter((command) => command.kind === "confirm").filter(({ acceptLate }) => acceptLate);
  const userIds = new Set([...limited.map(({ userId }) => userId), ...late.map(({ ownerId }) => ownerId)]);
  return {
    concertId,
    // A key that the service made cannot have been used before.
    keys: orders.filter(({ hasOwnKey }) => hasOwnKey),
    bookingIds: commands.flatMap((command) => ("bookingId" in command ? [command.bookingId] : [])),
    userIds: [...userIds],
    countsHolds: limited.some(({ kind }) => kind === "hold"),
    newIds: orders.length,
    maxDue: maxDueHolds,
  };
}

/** What a batch changes if it commits. */
export function countChanges({ answers, effects: { inserts, updates } }: BatchPlan): BatchChanges {
  const updatesTo = (wanted: string) => updates.filter(({ status }) => status === wanted).length;
  return {
    booked: inserts.filter(({ booking }) => booking.status === "confirmed").length,
    held: inserts.filter(({ booking }) => booking.status === "held").length,
    confirmed: updatesTo("confirmed"),
    released: updatesTo("released"),
    expired: updatesTo("expired"),
    cancelled: updatesTo("cancelled"),
    refused: answers.filter(({ kind }) => kind === "refused").length,
  };
}

/** Gives each caller what the batch decided, and the undecided jobs to `onUndecided`. */
export function answerAll(
  jobs: readonly Job[],
  answers: readonly Answer[],
  onUndecided: BatchContext["onUndecided"],
): void {
  const undecided: Job[] = [];
  for (const [index, job] of jobs.entries()) {
    const answer = answers[index];
    if (answer?.kind === "booking") job.resolve({ value: answer.booking, replayed: answer.replayed });
    else if (answer?.kind === "refused") job.reject(new DomainError(answer.failure));
    else if (answer?.kind === "done") job.resolve(undefined);
    else undecided.push(job);
  }
  if (undecided.length > 0) onUndecided(undecided);
}

function rejectWithoutConcert({ command, reject }: Job): void {
  const { concertId } = command;
  reject(
    new DomainError(
      "bookingId" in command
        ? { reason: "BOOKING_NOT_FOUND", bookingId: command.bookingId }
        : { reason: "CONCERT_NOT_FOUND", concertId },
    ),
  );
}
