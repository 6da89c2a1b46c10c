import { DomainError, type Failure, retryDelayMs } from "../domain/failure.ts";
import type { ConcertId } from "../domain/ids.ts";
import { asFailure } from "../store/sqlstate.ts";
import { answerAll, type BatchContext, countChanges, type InDoubtBatch } from "./batch.ts";
import type { Job } from "./queue.ts";

interface RecoveryContext extends Pick<BatchContext, "batches" | "backOff" | "clock" | "publish" | "onUndecided"> {
  /** Called before any caller is answered: the concert may have changed, and only the database has its state. */
  readonly concertChanged: (concertId: ConcertId, concert: undefined) => void;
  /** Puts jobs back into their queue: their batch has not been stored. */
  readonly requeue: (jobs: readonly Job[]) => void;
}

/** How long to try to reach the database. A failover takes a few seconds. */
const settleTimeoutMs = 5_000;

/**
 * Finds out what became of a batch in doubt, and settles each of its jobs.
 *
 * The evidence is a row that each batch inserts, with a random id. The transaction in doubt holds the concert's lock until
 * it is over, so on its own server its COMMIT cannot take effect once another transaction has that lock. A server that took
 * over in a failover, or recovered from a crash, has replayed all it will ever have of the old history before it accepts
 * writes: the row is in it or never will be. With asynchronous replication the new history may lack a batch that a frozen or
 * cut-off old primary has committed: the batch is then decided again on the new history, and the old primary's is lost with
 * its history.
 */
export async function recoverCommit(batch: InDoubtBatch, context: RecoveryContext): Promise<void> {
  const { publish, concertChanged, requeue } = context;
  const { jobs, plan, error, ...attempt } = batch;
  const { concertId } = attempt;
  publish("booking.commit_in_doubt", { ...attempt, error });
  try {
    if (await findEvidence(batch, context)) {
      concertChanged(concertId, undefined);
      answerAll(jobs, plan.answers, context.onUndecided);
      publish("booking.commit_settled", { concertId, outcome: "committed", changes: countChanges(plan) });
    } else {
      requeue(jobs);
      publish("booking.commit_settled", { concertId, outcome: "aborted" });
    }
  } catch (cause) {
    publish("booking.commit_settled", { concertId, outcome: "unknown" });
    concertChanged(concertId, undefined);
    for (const [index, job] of jobs.entries()) {
      const mayBeStored = plan.answers[index]?.kind === "booking";
      const failure: Failure = mayBeStored
        ? { reason: "OUTCOME_UNKNOWN" }
        : { reason: "DATABASE_UNAVAILABLE", retryDelayMs };
      job.reject(new DomainError(failure, { cause: mayBeStored ? error : cause }));
    }
  }
}

/** Whether the batch has committed. Throws if the database cannot be reached in time. */
async function findEvidence(
  { concertId, error: { batchId } }: InDoubtBatch,
  { batches, backOff, clock }: RecoveryContext,
): Promise<boolean> {
  const givesUpAtMs = clock.nowMs() + settleTimeoutMs;
  for (let retry = 0; ; retry++) {
    try {
      return await batches.isCommitted(concertId, batchId);
    } catch (error) {
      const isUnavailable = asFailure(error) instanceof DomainError;
      if (!isUnavailable || clock.nowMs() >= givesUpAtMs) throw error;
    }
    await backOff(retry);
  }
}
