import { type Booking, bookingKey } from "../domain/booking.ts";
import type { Concert } from "../domain/concert.ts";
import { begin, type Deadline } from "../domain/deadline.ts";
import { DomainError } from "../domain/failure.ts";
import type { Replayable } from "../domain/replayable.ts";
import { LostCommitError } from "../store/batch/open.ts";
import { asFailure, isTransient } from "../store/sqlstate.ts";
import type { Batches } from "./batches.ts";
import type { BookingRequest, EngineRequest } from "./commands.ts";
import { type Answer, type BatchPlan, decideBatch } from "./decide.ts";
import type { BookingPolicy } from "./policy.ts";

/** A request that waits in a queue, and the caller who waits for it. */
export interface Job {
  readonly request: EngineRequest;
  readonly deadline: Deadline;
  /** How often a lost COMMIT has sent it back to the queue. */
  requeued: number;
  resolve(answer: Replayable<Booking>): void;
  reject(error: unknown): void;
}

export interface BatchContext {
  readonly batches: Batches;
  readonly policy: BookingPolicy;
  readonly maxRetries: number;
  /** Waits before the retry of that number, counted from 0. */
  readonly backOff: (retry: number) => Promise<void>;
  readonly clockMs: () => number;
  /** Hears of a concert as it is committed, before any caller does; at `askedAtMs` of the clock the batch began. */
  readonly onCommitted: (concert: Concert, now: Temporal.Instant, askedAtMs: number) => void;
  /** Takes the jobs of a batch whose COMMIT's answer was lost; the next batch need not wait for them. */
  readonly onLostCommit: (lost: LostBatch) => void;
}

/** A batch that may be committed or not, with what its callers are told if it is. */
export interface LostBatch {
  readonly concertId: bigint;
  readonly jobs: readonly Job[];
  readonly plan: BatchPlan;
  /** The batch's instant. */
  readonly now: Temporal.Instant;
  readonly error: LostCommitError;
}

/** Those whose callers still wait; the others are told that nothing was stored. */
export function dropExpired(jobs: readonly Job[]): Job[] {
  return jobs.filter((job) => {
    try {
      begin(job.deadline);
      return true;
    } catch (error) {
      job.reject(error);
      return false;
    }
  });
}

/**
 * Runs jobs of one concert as one transaction and settles each, unless COMMIT's answer is lost. A batch that fails for a
 * reason that may pass is repeated; for any other it is halved until the culprit stands alone.
 */
export async function runBatch(concertId: bigint, jobs: readonly Job[], context: BatchContext): Promise<void> {
  let live = jobs;
  for (let retry = 0; live.length > 0; retry++) {
    const askedAtMs = context.clockMs();
    let outcome: Outcome;
    try {
      outcome = await transact(concertId, live, context);
    } catch (error) {
      if (isTransient(error) && retry < context.maxRetries) {
        // Nothing is stored: a caller who gives up before the next attempt begins is told so.
        for (const { deadline } of live) deadline.begun = false;
        await context.backOff(retry);
        live = dropExpired(live);
        continue;
      }
      const failure = asFailure(error);
      if (failure instanceof DomainError || live.length === 1) return rejectAll(live, failure);
      const middle = live.length >> 1;
      await runBatch(concertId, live.slice(0, middle), context);
      return await runBatch(concertId, live.slice(middle), context);
    }
    // Outside of the `try`: an error in here must not repeat a transaction that is committed.
    return conclude(concertId, live, outcome, askedAtMs, context);
  }
}

function conclude(
  concertId: bigint,
  jobs: readonly Job[],
  outcome: Outcome,
  askedAtMs: number,
  context: BatchContext,
): void {
  switch (outcome.kind) {
    case "no concert":
      jobs.forEach(rejectWithoutConcert);
      break;
    case "lost":
      context.onLostCommit({ concertId, jobs, plan: outcome.plan, now: outcome.now, error: outcome.error });
      break;
    case "decided":
      context.onCommitted(outcome.concert, outcome.now, askedAtMs);
      answerAll(jobs, outcome.plan.answers, outcome.created);
  }
}

/** What a transaction has come to, now that it is over. */
type Outcome =
  | { readonly kind: "no concert" }
  | (Decided & { readonly kind: "decided"; readonly concert: Concert; readonly created: readonly Booking[] })
  | (Decided & { readonly kind: "lost"; readonly error: LostCommitError });

interface Decided {
  readonly plan: BatchPlan;
  readonly now: Temporal.Instant;
}

/** Decides jobs of one concert and writes what they change, in one transaction. After an error nothing is stored. */
async function transact(concertId: bigint, jobs: readonly Job[], { batches, policy }: BatchContext): Promise<Outcome> {
  const requests = jobs.map(({ request }) => request);
  // A key of our own making cannot have been used before.
  const keys = requests.filter((request): request is BookingRequest => request.kind === "book" && request.hasOwnKey);
  const bookingIds = requests.flatMap((request) => (request.kind === "cancel" ? [request.bookingId] : []));
  await using open = await batches.open({ concertId, keys, bookingIds });
  const { concert, now, stored } = open;
  if (!concert) return { kind: "no concert" };
  const plan = decideBatch(requests, { concert, now, stored }, policy);
  const { availableTickets, newBookings, cancelled } = plan;
  try {
    const isWriting = newBookings.length > 0 || cancelled.length > 0;
    const created = isWriting ? await open.commit({ concert, now, availableTickets, newBookings, cancelled }) : [];
    return { kind: "decided", concert: { ...concert, availableTickets }, now, plan, created };
  } catch (error) {
    if (error instanceof LostCommitError) return { kind: "lost", now, plan, error };
    throw error;
  }
}

/** Tells each caller what the batch decided. `created` are the new bookings, matched by their keys. */
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

export function rejectAll(jobs: readonly Job[], error: unknown): void {
  for (const job of jobs) job.reject(error);
}

function rejectWithoutConcert({ request, reject }: Job): void {
  const { concertId } = request;
  reject(
    new DomainError(
      request.kind === "book"
        ? { reason: "CONCERT_NOT_FOUND", concertId }
        : { reason: "BOOKING_NOT_FOUND", bookingId: request.bookingId },
    ),
  );
}
