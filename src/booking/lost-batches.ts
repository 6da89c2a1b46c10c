import type { Booking } from "../domain/booking.ts";
import { DomainError, type Failure, retryDelayMs } from "../domain/errors.ts";
import { isTransient } from "../store/database-errors.ts";
import { answerAll, type Job, type LostBatch } from "./batch.ts";
import type { Batches } from "./batches.ts";
import type { BookingRequest } from "./requests.ts";

export interface LostBatchOptions {
  readonly batches: Pick<Batches, "settle" | "find">;
  readonly maxRetries: number;
  /** Waits before the retry of that number, counted from 0. */
  readonly backOff: (retry: number) => Promise<void>;
  /** Hears of a concert, before any caller does, of which only the database knows what it is like now. */
  readonly concertChanged: (concertId: bigint) => void;
  /** Takes back a job whose batch has not been stored. */
  readonly requeue: (job: Job) => void;
}

/** A function that finds out what became of a batch whose COMMIT's answer was lost, and settles each of its callers. */
export function createLostBatchSettler(options: LostBatchOptions): (lost: LostBatch) => Promise<void> {
  const { batches, maxRetries, backOff, concertChanged, requeue } = options;

  /** What is stored is worth asking for again: nobody else can tell its callers. */
  async function findCreated(concertId: bigint, created: readonly BookingRequest[], retry = 0): Promise<Booking[]> {
    try {
      return await batches.find(concertId, created);
    } catch (error) {
      if (!isTransient(error) || retry >= maxRetries) throw error;
      await backOff(retry);
      return await findCreated(concertId, created, retry + 1);
    }
  }

  return async ({ concertId, jobs, plan, error }) => {
    const outcome = await batches.settle(error.transactionId);
    if (outcome === "aborted") return jobs.forEach(requeue);
    concertChanged(concertId);
    if (outcome === "committed") {
      try {
        const created = plan.newBookings.length > 0 ? await findCreated(concertId, plan.newBookings) : [];
        return answerAll(jobs, plan.answers, created);
      } catch {
        // It is stored, but what was stored cannot be read: for the callers that is as good as unknown.
      }
    }
    for (const [index, job] of jobs.entries()) {
      const mayBeStored = plan.answers[index]?.kind !== "refused";
      const failure: Failure = mayBeStored
        ? { reason: "OUTCOME_UNKNOWN" }
        : { reason: "DATABASE_UNAVAILABLE", retryDelayMs };
      job.reject(new DomainError(failure, { cause: error }));
    }
  };
}
