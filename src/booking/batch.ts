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

/** What was decided, and on what. */
interface Decided {
  readonly plan: BatchPlan;
  readonly state: LockedState;
}

/** A batch that may be committed or not, with the answers of its jobs if it is. */
export interface InDoubtBatch extends Decided {
  readonly jobs: readonly Job[];
  readonly error: CommitInDoubtError;
}

/** How a transaction ended. */
type Outcome =
  | { readonly kind: "no concert" }
  | (Decided & { readonly kind: "decided"; readonly created: readonly Booking[]; readonly times: Times })
  | (Decided & { readonly kind: "in doubt"; readonly error: CommitInDoubtError });

/** On the engine's clock. */
interface Times {
  readonly askedAtMs: number;
  readonly lockedAtMs: number;
  /** Undefined if there was nothing to write. */
  readonly commitMs: number | undefined;
}

/**
 * Runs jobs of one concert as one transaction and settles each, unless the commit is in doubt. A batch that fails for a
 * transient reason is retried. For any other reason it is halved until the request at fault is alone.
 */
export async function runBatch(concertId: ConcertId, jobs: readonly Job[], context: BatchContext): Promise<void> {
  const { maxRetries, backOff, clock, publish } = context;
  let live = jobs;
  for (let retry = 0; live.length > 0; retry++) {
    let outcome: Outcome;
    try {
      outcome = await transact(concertId, live, context);
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
    return conclude(live, outcome, context);
  }
}

/** Decides jobs of one concert and writes what they change, in one transaction. After an error nothing is stored. */
async function transact(
  concertId: ConcertId,
  jobs: readonly Job[],
  { batches, policy, clock }: BatchContext,
): Promise<Outcome> {
  const commands = jobs.map(({ command }) => command);
  // A key that the service made cannot have been used before.
  const keys = commands.filter((command) => command.kind === "book").filter(({ hasOwnKey }) => hasOwnKey);
  const bookingIds = commands.flatMap((command) => (command.kind === "cancel" ? [command.bookingId] : []));
  const askedAtMs = clock.nowMs();
  await using open = await batches.open({ concertId, keys, bookingIds });
  const { state } = open;
  if (!state) return { kind: "no concert" };
  const lockedAtMs = clock.nowMs();
  const plan = decideBatch(commands, state, policy);
  assert(plan.answers.length === jobs.length, "a batch has not one answer a request");
  const isWriting = plan.newBookings.length > 0 || plan.cancelled.length > 0;
  const sentAtMs = clock.nowMs();
  try {
    const created = isWriting ? await open.commit(plan) : [];
    const commitMs = isWriting ? clock.nowMs() - sentAtMs : undefined;
    return { kind: "decided", plan, state, created, times: { askedAtMs, lockedAtMs, commitMs } };
  } catch (error) {
    if (error instanceof CommitInDoubtError) return { kind: "in doubt", plan, state, error };
    throw error;
  }
}

function conclude(jobs: readonly Job[], outcome: Outcome, context: BatchContext): void {
  switch (outcome.kind) {
    case "no concert":
      jobs.forEach(rejectWithoutConcert);
      break;
    case "in doubt":
      context.onInDoubt({ jobs, plan: outcome.plan, state: outcome.state, error: outcome.error });
      break;
    case "decided": {
      const { plan, state, created, times } = outcome;
      publishDecided(outcome, jobs.length, context);
      const concert = { ...state.concert, availableTickets: plan.availableTickets };
      context.onCommitted(concert, state.now, times.askedAtMs);
      answerAll(jobs, plan.answers, created);
    }
  }
}

function publishDecided(
  { plan, state, times: { askedAtMs, lockedAtMs, commitMs } }: Outcome & { kind: "decided" },
  requests: number,
  { publish, clock }: BatchContext,
): void {
  let refused = 0;
  for (const { kind } of plan.answers) if (kind === "refused") refused++;
  publish("booking.batch_decided", {
    concertId: state.concert.id,
    requests,
    booked: plan.newBookings.length,
    cancelled: plan.cancelled.length,
    refused,
    lockWaitMs: lockedAtMs - askedAtMs,
    lockHeldMs: clock.nowMs() - lockedAtMs,
    commitMs,
  });
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
