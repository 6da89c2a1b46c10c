import type { Booking } from "../domain/booking.ts";
import { DomainError, type Failure, retryDelayMs } from "../domain/failure.ts";
import type { ConcertId } from "../domain/ids.ts";
import { asFailure } from "../store/sqlstate.ts";
import { answerAll, type BatchContext, type InDoubtBatch } from "./batch.ts";
import type { Job } from "./queue.ts";

interface RecoveryContext extends Pick<BatchContext, "batches" | "backOff" | "clock" | "publish"> {
  /** Called before any caller is answered: the concert may have changed, and only the database has its state. */
  readonly concertChanged: (concertId: ConcertId, concert: undefined) => void;
  /** Puts a job back into its queue: its batch has not been stored. */
  readonly requeue: (job: Job) => void;
}

/** How long to try to reach the database. A failover takes a few seconds. */
const settleTimeoutMs = 5_000;

/**
 * Finds out what became of a batch in doubt, and settles each of its jobs.
 *
 * The rows themselves are the evidence, read under the concert's lock. The transaction in doubt holds that lock until it
 * is over, so on its own server its COMMIT cannot take effect after this read. A server that took over in a failover, or
 * recovered from a crash, has replayed all it will ever have of the old history before it accepts writes: the batch is in
 * it or never will be. The transaction's id is no evidence: a new history assigns the same ids to other transactions. With
 * asynchronous replication the new history may lack a batch that a frozen or cut-off old primary has committed: the batch is
 * then booked again on the new history, and the old primary's is lost with its history.
 */
export async function recoverCommit(batch: InDoubtBatch, context: RecoveryContext): Promise<void> {
  const { publish, concertChanged, requeue } = context;
  const { jobs, plan, error } = batch;
  const concertId = batch.state.concert.id;
  publish("booking.commit_in_doubt", { concertId, requests: jobs.length, error });
  try {
    const stored = await readUnderLock(batch, context);
    const isCommitted = stored.some((booking) => isWrittenBy(batch, booking));
    if (isCommitted) {
      concertChanged(concertId, undefined);
      answerAll(jobs, plan.answers, stored);
    } else jobs.forEach(requeue);
    publish("booking.commit_settled", { concertId, outcome: isCommitted ? "committed" : "aborted" });
  } catch (cause) {
    publish("booking.commit_settled", { concertId, outcome: "unknown" });
    concertChanged(concertId, undefined);
    for (const [index, job] of jobs.entries()) {
      const mayBeStored = plan.answers[index]?.kind !== "refused";
      const failure: Failure = mayBeStored
        ? { reason: "OUTCOME_UNKNOWN" }
        : { reason: "DATABASE_UNAVAILABLE", retryDelayMs };
      job.reject(new DomainError(failure, { cause: mayBeStored ? error : cause }));
    }
  }
}

/** What is stored of the batch's keys and cancels. Throws if the database cannot be reached in time. */
async function readUnderLock(
  { plan, state }: InDoubtBatch,
  { batches, backOff, clock }: RecoveryContext,
): Promise<readonly Booking[]> {
  const givesUpAtMs = clock.nowMs() + settleTimeoutMs;
  const bookingIds = plan.cancelled.map(({ after }) => after.id);
  for (let retry = 0; ; retry++) {
    try {
      await using open = await batches.open({ concertId: state.concert.id, keys: plan.newBookings, bookingIds });
      return open.state?.stored ?? [];
    } catch (error) {
      const isUnavailable = asFailure(error) instanceof DomainError;
      if (!isUnavailable || clock.nowMs() >= givesUpAtMs) throw error;
    }
    await backOff(retry);
  }
}

/**
 * Whether the batch has written a row as it is now. One row is enough, since a batch is written as a whole. Its instant
 * distinguishes it from a later batch that has repeated a key: instants are read under the lock, and no two batches share one.
 */
function isWrittenBy({ plan, state: { now } }: InDoubtBatch, booking: Booking): boolean {
  if (plan.newBookings.length > 0 && booking.createdAt.equals(now)) return true;
  return (
    booking.updatedAt.equals(now) &&
    plan.cancelled.some(({ after }) => after.id === booking.id && after.cancelRequestId === booking.cancelRequestId)
  );
}
