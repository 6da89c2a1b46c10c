import type { BatchChanges } from "../../booking/events.ts";
import type { AppEvents, EventHub } from "../events.ts";
import { durationBuckets } from "./calls.ts";
import type { Instruments } from "./instruments.ts";

/** A turn takes at most 512 requests. */
const requestBuckets = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

/** How an attempt to decide a batch ends, unless it is repeated. */
const attempts = ["decided", "failed", "halved", "in_doubt", "not_found"] as const;
/** Kinds of changes that a batch makes, and what it refuses. */
const outcomes = ["booked", "held", "confirmed", "released", "expired", "cancelled", "refused"] as const;

/** Observes the booking engine: a few events a batch. */
export function observeEngine(on: EventHub<AppEvents>["subscribe"], instruments: Instruments): void {
  const { counter, counterBy } = instruments;
  const seconds = (name: string, help: string) =>
    instruments.histogram(`frontrow_${name}_seconds`, help, durationBuckets);
  const queueWait = seconds("queue_wait", "Time that a request is queued until a turn takes it");
  const lockWait = seconds(
    "lock_wait",
    "Time from asking for a connection until a batch has locked and read its concert, or has failed to",
  );
  const lockHeld = seconds("lock_held", "Time that a batch holds the lock of its concert");
  const commit = seconds("commit", "Time of the flight with a batch's writes and its COMMIT");
  const batchRequests = instruments.histogram("frontrow_batch_requests", "Requests of a decided batch", requestBuckets);
  const batches = counterBy(
    "frontrow_batches_total",
    "Batches by how they ended. One that is halved ends, and its halves are two others",
    "outcome",
    attempts,
  );
  const bookings = counterBy(
    "frontrow_bookings_total",
    "Changes of bookings and holds that batches have made, by kind, and requests that they have refused",
    "outcome",
    outcomes,
  );
  const soldOut = counter("frontrow_sold_out_refusals_total", "Requests refused without a transaction: sold out");
  const retries = counter("frontrow_batch_retries_total", "Batches repeated after a transient failure");
  const overloaded = counter("frontrow_queue_refusals_total", "Requests refused because the queue is full or too slow");

  const countChanges = (changes: BatchChanges) => {
    for (const outcome of outcomes) bookings[outcome].value += changes[outcome];
  };

  on("booking.turn_started", ({ takenAtMs, jobs }) => {
    for (const { queuedAtMs } of jobs) queueWait.observe((takenAtMs - queuedAtMs) / 1_000);
  });
  on("booking.batch_decided", (batch) => {
    batchRequests.observe(batch.requests);
    countChanges(batch);
    lockHeld.observe(batch.lockHeldMs / 1_000);
    if (batch.commitMs !== undefined) commit.observe(batch.commitMs / 1_000);
  });
  on("booking.commit_settled", ({ changes }) => {
    if (changes) countChanges(changes);
  });
  const ends = {
    batch_decided: batches.decided,
    batch_failed: batches.failed,
    batch_halved: batches.halved,
    batch_retried: retries,
    commit_in_doubt: batches.in_doubt,
    concert_not_found: batches.not_found,
  } as const;
  for (const name of Object.keys(ends) as (keyof typeof ends)[]) {
    on(`booking.${name}`, ({ lockWaitMs }) => {
      ends[name].value++;
      lockWait.observe(lockWaitMs / 1_000);
    });
  }
  on("booking.sold_out_refused", ({ requests }) => {
    soldOut.value += requests;
  });
  on("booking.overloaded", () => overloaded.value++);
}
