import assert from "node:assert/strict";
import { type Booking, bookingKey } from "../domain/booking.ts";
import type { Clock } from "../domain/clock.ts";
import type { Concert } from "../domain/concert.ts";
import { DomainError } from "../domain/failure.ts";
import type { ConcertId } from "../domain/ids.ts";
import type { Publish } from "../domain/publish.ts";
import { CommitInDoubtError } from "../store/batch/commit.ts";
import type { Batches, LockedState } from "../store/batch/open.ts";
import { asFailure, isTransient } from "../store/sqlstate.ts";
import { type Answer, type BatchPlan, type BookingPolicy, decideBatch } from "./decide.ts";
import type { BookingEvents } from "./events.ts";
import { beginJobs, type Job, rejectAll, setProgress } from "./queue.ts";

export interface BatchContext {
  readonly batches: Batches;
  readonly policy: BookingPolicy;
  readonly maxRetries: number;
  /** Waits before the retry of that number, counted from 0. */
  readonly backOff: (retry: number) => Promise<void>;
  readonly clock: Clock;
  readonly publish: Publish<BookingEvents>;
  /** Called with a concert as it was committed, before any caller is answered. The batch began at `askedAtMs`. */
  readonly onCommitted: (concert: Concert, now: Temporal.Instant, askedAtMs: number) => void;
  /** Takes over the jobs of a batch in doubt. The next batch does not wait for them. */
  readonly onInDoubt: (batch: InDoubtBatch) => void;
}

/** A batch that may be committed or not, with the answers of its jobs if it is. */
export interface InDoubtBatch {
  readonly jobs: readonly Job[];
  readonly plan: BatchPlan;
  readonly state: LockedState;
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
    let settle: () => void;
    try {
      settle = await transact(concertId, live, context);
    } catch (error) {
      if (isTransient(error) && retry < maxRetries) {
        // Nothing is stored: a caller whose deadline passes before the next attempt can rely on that.
        for (const job of live) setProgress(job, "waiting");
        await backOff(retry);
        publish("booking.batch_retried", { concertId, error, attempt: retry + 1 });
        live = beginJobs(live, clock);
        continue;
      }
      const failure = asFailure(error);
      if (failure instanceof DomainError || live.length === 1) {
        publish("booking.batch_failed", { concertId, requests: live.length, error });
        return rejectAll(live, failure);
      }
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
 * when the connection is back in the pool. After an error nothing is stored.
 */
async function transact(concertId: ConcertId, jobs: readonly Job[], context: BatchContext): Promise<() => void> {
  const { batches, policy, clock, publish } = context;
  const commands = jobs.map(({ command }) => command);
  // A key that the service made cannot have been used before.
  const keys = commands.filter((command) => command.kind === "book").filter(({ hasOwnKey }) => hasOwnKey);
  const bookingIds = commands.flatMap((command) => (command.kind === "cancel" ? [command.bookingId] : []));
  const askedAtMs = clock.nowMs();
  await using open = await batches.open({ concertId, keys, bookingIds });
  const { state } = open;
  if (!state) return () => jobs.forEach(rejectWithoutConcert);
  const lockedAtMs = clock.nowMs();
  const plan = decideBatch(commands, state, policy);
  const { answers, newBookings, cancelled, availableTickets } = plan;
  assert(answers.length === jobs.length, "a batch has not one answer a request");
  const isWriting = newBookings.length > 0 || cancelled.length > 0;
  const sentAtMs = clock.nowMs();
  let created: readonly Booking[] = [];
  try {
    if (isWriting) created = await open.commit(plan);
  } catch (error) {
    if (error instanceof CommitInDoubtError) return () => context.onInDoubt({ jobs, plan, state, error });
    throw error;
  }
  const commitMs = isWriting ? clock.nowMs() - sentAtMs : undefined;
  return () => {
    publish("booking.batch_decided", {
      ...{ concertId, requests: jobs.length, booked: newBookings.length, cancelled: cancelled.length },
      refused: answers.filter(({ kind }) => kind === "refused").length,
      ...{ lockWaitMs: lockedAtMs - askedAtMs, lockHeldMs: clock.nowMs() - lockedAtMs, commitMs },
    });
    context.onCommitted({ ...state.concert, availableTickets }, state.now, askedAtMs);
    answerAll(jobs, answers, created);
  };
}

/** Gives each caller what the batch decided. `created` are the new bookings, matched by their keys. */
export function answerAll(jobs: readonly Job[], answers: readonly Answer[], created: readonly Booking[]): void {
  const byKey = new Map(created.map((booking) => [bookingKey(booking), booking]));
  for (const [index, job] of jobs.entries()) {
    const answer = answers[index];
    if (answer?.kind === "stored") job.resolve({ value: answer.booking, replayed: answer.replayed });
    else if (answer?.kind === "refused") job.reject(new DomainError(answer.failure));
    else {
      const value = answer && byKey.get(answer.key);
      if (value) job.resolve({ value, replayed: answer.replayed });
      else job.reject(new Error("a committed batch has no answer for a request"));
    }
  }
}

function rejectWithoutConcert({ command, reject }: Job): void {
  const { concertId } = command;
  reject(
    new DomainError(
      command.kind === "book"
        ? { reason: "CONCERT_NOT_FOUND", concertId }
        : { reason: "BOOKING_NOT_FOUND", bookingId: command.bookingId },
    ),
  );
}
