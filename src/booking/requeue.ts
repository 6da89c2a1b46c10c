import { DomainError, type Failure, retryDelayMs } from "../domain/failure.ts";
import { type ConcertQueues, type Job, rejectAll, setProgress } from "./queue.ts";

const maxRequeues = 3;
/** A concert with more holds that are due than as many batches expire is not sold on before they are. */
const maxUndecided = 64;

/** Puts jobs back into their queue, each a bounded number of times. Nothing of them is stored. */
export function createRequeue(queues: Pick<ConcertQueues, "putBack">) {
  function putBack(jobs: readonly Job[], mayWait: (job: Job) => boolean, failure: Failure): void {
    const { waiting = [], others = [] } = Object.groupBy(jobs, (job) => (mayWait(job) ? "waiting" : "others"));
    queues.putBack(waiting);
    for (const job of others) setProgress(job, "waiting");
    rejectAll(others, new DomainError(failure));
  }
  return {
    /** Jobs whose batch was in doubt and is not stored. */
    requeue(jobs: readonly Job[]): void {
      const failure = { reason: "DATABASE_UNAVAILABLE", retryDelayMs } as const;
      putBack(jobs, (job) => job.requeues++ < maxRequeues, failure);
    },
    /** Jobs that a batch left undecided, since holds are due. */
    onUndecided(jobs: readonly Job[]): void {
      const mayWait = (job: Job) => job.command.kind === "expire" || job.undecided++ < maxUndecided;
      putBack(jobs, mayWait, { reason: "OVERLOADED", retryDelayMs });
    },
  };
}
