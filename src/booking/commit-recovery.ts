import type { Booking } from "../domain/booking.ts";
import { DomainError, type Failure, retryDelayMs } from "../domain/failure.ts";
import { asFailure } from "../store/sqlstate.ts";
import { answerAll, type Job, type LostBatch } from "./batch.ts";
import type { Batches } from "./batches.ts";

export interface LostBatchOptions {
  readonly batches: Pick<Batches, "open">;
  /** Waits before the retry of that number, counted from 0. */
  readonly backOff: (retry: number) => Promise<void>;
  readonly clockMs: () => number;
  /** Hears of a concert, before any caller does, of which only the database knows what it is like now. */
  readonly concertChanged: (concertId: bigint) => void;
  /** Takes back a job whose batch has not been stored. */
  readonly requeue: (job: Job) => void;
}

/** How long to try to reach the database. A failover takes a few seconds. */
const settleTimeoutMs = 5_000;

/**
 * A function that finds out what became of a batch whose COMMIT's answer was lost, and settles each of its callers.
 *
 * The rows themselves are the evidence, read under the concert's lock. The doubtful transaction holds that lock until it
 * is over, so on its own server its COMMIT cannot take effect after this read. A server that took over in a failover, or
 * recovered from a crash, has replayed all it will ever have of the old history before it takes writes: the batch is in
 * it or never will be. A transaction's id would not tell: a new history gives the same ids to other transactions. With
 * asynchronous replication the new history may lack a batch that a frozen or cut-off old primary has committed: the batch is
 * then booked anew on the new history, and the old primary's is lost with its history.
 */
export function createLostBatchSettler(options: LostBatchOptions): (lost: LostBatch) => Promise<void> {
  const { batches, backOff, clockMs, concertChanged, requeue } = options;

  /** What is stored of the batch's keys and cancels. Throws if the database cannot be reached in time. */
  async function readUnderLock({ concertId, plan }: LostBatch): Promise<readonly Booking[]> {
    const givesUpAtMs = clockMs() + settleTimeoutMs;
    const bookingIds = plan.cancelled.map(({ after }) => after.id);
    for (let retry = 0; ; retry++) {
      try {
        await using open = await batches.open({ concertId, keys: plan.newBookings, bookingIds });
        return open.stored;
      } catch (error) {
        const mayPass = asFailure(error) instanceof DomainError;
        if (!mayPass || clockMs() >= givesUpAtMs) throw error;
      }
      await backOff(retry);
    }
  }

  return async (lost) => {
    const { concertId, jobs, plan } = lost;
    try {
      const stored = await readUnderLock(lost);
      if (!stored.some((booking) => isWrittenBy(lost, booking))) return jobs.forEach(requeue);
      concertChanged(concertId);
      answerAll(jobs, plan.answers, stored);
    } catch (cause) {
      concertChanged(concertId);
      for (const [index, job] of jobs.entries()) {
        const mayBeStored = plan.answers[index]?.kind !== "refused";
        const failure: Failure = mayBeStored
          ? { reason: "OUTCOME_UNKNOWN" }
          : { reason: "DATABASE_UNAVAILABLE", retryDelayMs };
        job.reject(new DomainError(failure, { cause: mayBeStored ? lost.error : cause }));
      }
    }
  };
}

/**
 * Whether the batch has written a row as it is now. One row is enough, since a batch is written as a whole. Its instant
 * tells it from a later batch that has repeated a key: instants are read under the lock, and no two batches share one.
 */
function isWrittenBy({ now, plan }: LostBatch, booking: Booking): boolean {
  if (plan.newBookings.length > 0 && booking.createdAt.equals(now)) return true;
  return (
    booking.updatedAt.equals(now) &&
    plan.cancelled.some(({ after }) => after.id === booking.id && after.cancelRequestId === booking.cancelRequestId)
  );
}
