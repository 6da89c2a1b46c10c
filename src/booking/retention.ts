import { deadlineWithin } from "../domain/deadline.ts";
import type { Publish } from "../domain/publish.ts";
import { repeat } from "../domain/repeat.ts";
import { deleteEndedHolds, deleteOldBatches } from "../store/retention.ts";
import type { Store } from "../store/store.ts";
import type { BookingEvents } from "./events.ts";

const intervalMs = 60_000;
const timeoutMs = 10_000;
/** No COMMIT stays in doubt for so long. */
const batchRetentionMs = 24 * 3_600_000;
/** In one run. The next one deletes the rest. */
const maxChunks = 100;

export interface RetentionOptions {
  /** Holds that ended without a confirmation are deleted when they ended so long ago. */
  readonly holdRetentionMs: number;
}

/** Deletes old rows, a bounded number at a time, until it is disposed of. */
export function startRetention(
  store: Pick<Store, "clean">,
  { holdRetentionMs }: RetentionOptions,
  publish: Publish<BookingEvents>,
): AsyncDisposable {
  const deleteAll = (deleteChunk: Parameters<Store["clean"]>[0]) => {
    const clean = async (signal: AbortSignal) => {
      for (let chunk = 0; chunk < maxChunks; chunk++)
        if (!(await store.clean(deleteChunk, deadlineWithin(timeoutMs, signal)))) return;
    };
    return repeat(clean, intervalMs, (error) => publish("booking.retention_failed", { error }));
  };
  // Two loops, so that a deletion that fails does not stop the other.
  const stack = new AsyncDisposableStack();
  stack.use(deleteAll((db) => deleteEndedHolds(db, holdRetentionMs)));
  stack.use(deleteAll((db) => deleteOldBatches(db, batchRetentionMs)));
  return stack;
}
