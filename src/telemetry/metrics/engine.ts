import type { AppEvents, EventHub } from "../events.ts";
import { durationBuckets } from "./calls.ts";
import type { Instruments } from "./instruments.ts";

/** A turn takes at most 512 requests. */
const requestBuckets = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

/** Kinds of changes that a batch makes, and what it refuses. */
const outcomes = ["booked", "held", "confirmed", "released", "expired", "cancelled", "refused"] as const;

/** Observes the booking engine: a few events a batch. */
export function observeEngine(on: EventHub<AppEvents>["subscribe"], instruments: Instruments): void {
  const { counter, counterBy } = instruments;
  const seconds = (name: string, help: string) =>
    instruments.histogram(`frontrow_${name}_seconds`, help, durationBuckets);
  const queueWait = seconds("queue_wait", "Wait of the first request that a turn takes from its queue");
  const lockWait = seconds(
    "lock_wait",
    "Time from asking for a connection until a batch has locked and read its concert",
  );
  const lockHeld = seconds("lock_held", "Time that a batch holds the lock of its concert");
  const commit = seconds("commit", "Time of the flight with a batch's writes and its COMMIT");
  const batchRequests = instruments.histogram("frontrow_batch_requests", "Requests of a decided batch", requestBuckets);
  const batches = counterBy("frontrow_batches_total", "Batches that have ended", "outcome", ["decided", "failed"]);
  const bookings = counterBy(
    "frontrow_bookings_total",
    "Bookings and holds by what batches made of them, and refused requests",
    "outcome",
    outcomes,
  );
  const soldOut = counter("frontrow_sold_out_refusals_total", "Requests refused without a transaction: sold out");
  const retries = counter("frontrow_batch_retries_total", "Batches repeated after a transient failure");
  const overloaded = counter("frontrow_queue_refusals_total", "Requests refused because the queue is full or too slow");

  on("booking.turn_started", ({ longestWaitMs }) => queueWait.observe(longestWaitMs / 1_000));
  on("booking.batch_decided", (batch) => {
    batches.decided.value++;
    batchRequests.observe(batch.requests);
    for (const outcome of outcomes) bookings[outcome].value += batch[outcome];
    lockWait.observe(batch.lockWaitMs / 1_000);
    lockHeld.observe(batch.lockHeldMs / 1_000);
    if (batch.commitMs !== undefined) commit.observe(batch.commitMs / 1_000);
  });
  on("booking.batch_failed", () => batches.failed.value++);
  on("booking.batch_retried", () => retries.value++);
  on("booking.sold_out_refused", ({ requests }) => {
    soldOut.value += requests;
  });
  on("booking.overloaded", () => overloaded.value++);
}
