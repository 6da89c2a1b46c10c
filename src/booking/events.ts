import type { CallTrace } from "../domain/call-trace.ts";
import type { ConcertId } from "../domain/ids.ts";

/** When an attempt to decide a batch did what, by the engine's clock. */
export interface BatchInstants {
  /** When it asked for a connection. */
  askedAtMs: number;
  /** When the concert was locked and read; undefined if it was not. */
  lockedAtMs?: number;
  /** When the writes and COMMIT were sent; undefined if there was nothing to write. */
  sentAtMs?: number;
  committedAtMs?: number;
  /** When the attempt was over; undefined if that is when the event is published. */
  endedAtMs?: number;
}

/** What the traces of a batch need. */
export interface BatchTrace extends Readonly<BatchInstants> {
  /** Of the batch's calls, those that are traced. */
  readonly traces: readonly CallTrace[];
}

/** How many bookings and holds a batch changes, by what becomes of them. */
export interface BatchChanges {
  readonly booked: number;
  readonly held: number;
  readonly confirmed: number;
  readonly released: number;
  /** Holds that the batch expires. */
  readonly expired: number;
  readonly cancelled: number;
  /** Requests that the batch refuses. */
  readonly refused: number;
}

/** The end of one attempt to decide a batch. */
export interface BatchAttempt {
  readonly concertId: ConcertId;
  readonly requests: number;
  /** From asking for a connection until the concert was locked and read, or until that failed. */
  readonly lockWaitMs: number;
  /** Undefined if none of the batch's calls is traced. */
  readonly batchTrace: BatchTrace | undefined;
}

interface FailedAttempt extends BatchAttempt {
  readonly error: unknown;
}

/** Concerts that were not compared with their bookings. */
export interface LeftOut {
  /** They have too many bookings. */
  readonly tooLarge: number;
  /** Their comparison failed. */
  readonly unread: number;
}

/** What the booking engine publishes: a few events a batch, none a request but for refusals of a full queue. */
export interface BookingEvents {
  /** A turn took these requests from its concert's queue. */
  readonly "booking.turn_started": {
    readonly concertId: ConcertId;
    readonly requests: number;
    /** Requests of all concerts that stay queued. */
    readonly queued: number;
    /** When it took them, by the engine's clock. */
    readonly takenAtMs: number;
    /** When each of them was queued. */
    readonly jobs: readonly { readonly queuedAtMs: number }[];
    /** The requests whose calls are traced; undefined if none is. */
    readonly traced: readonly { readonly trace: CallTrace; readonly queuedAtMs: number }[] | undefined;
  };
  /** A batch's transaction has committed, or had nothing to write. */
  readonly "booking.batch_decided": BatchAttempt &
    BatchChanges & {
      /** From locking the concert until the transaction was over. */
      readonly lockHeldMs: number;
      /** The part of it from sending the writes and COMMIT until the response; undefined if there was nothing to write. */
      readonly commitMs: number | undefined;
    };
  /** A batch's concert does not exist, so that all its requests were rejected. */
  readonly "booking.concert_not_found": BatchAttempt;
  /** A batch's transaction failed for a transient reason and is repeated. `attempt` counts the repeats from 1. */
  readonly "booking.batch_retried": FailedAttempt & { readonly attempt: number };
  /** A batch failed for another reason. Its halves follow as batches. */
  readonly "booking.batch_halved": FailedAttempt;
  /** A batch failed, so that all its requests did. */
  readonly "booking.batch_failed": FailedAttempt;
  /** The response to a batch's COMMIT was lost. */
  readonly "booking.commit_in_doubt": FailedAttempt;
  /** What became of such a batch. */
  readonly "booking.commit_settled": {
    readonly concertId: ConcertId;
    readonly outcome: "committed" | "aborted" | "unknown";
    /** What it has changed. Given if it has committed. */
    readonly changes?: BatchChanges;
  };
  /** Holds that are due could not be expired. The next attempt is a second later. */
  readonly "booking.sweep_failed": { readonly error: unknown };
  /** Old rows could not be deleted. The next attempt is a minute later. */
  readonly "booking.retention_failed": { readonly error: unknown };
  /** The holds of all concerts were counted, each number up to its bound. */
  readonly "booking.holds_counted": {
    /** Not yet due, at most 100,000. */
    readonly live: number;
    /** Due and not yet expired, at most 10,000. */
    readonly overdue: number;
  };
  /** The holds could not be counted. The next attempt is ten seconds later. */
  readonly "booking.hold_count_failed": { readonly error: unknown };
  /** A stretch of the concerts was compared with its bookings, or skipped. */
  readonly "booking.inventory_checked": {
    /** Concerts that are known to contradict their bookings, at most 10,000. */
    readonly mismatched: number;
    /** How many concerts a pass through all of them has left out; undefined while it is not over. */
    readonly pass: LeftOut | undefined;
  };
  /** A concert's counters were found to contradict its bookings. Published once until they agree again. */
  readonly "booking.inventory_mismatched": { readonly concertId: ConcertId };
  /** The concerts could not be compared. The next attempt is ten seconds later. */
  readonly "booking.inventory_check_failed": {
    readonly error: unknown;
    /** The concert that is skipped because of it; undefined if none is. */
    readonly concertId: ConcertId | undefined;
  };
  /** A turn's requests were answered from the sold-out cache. */
  readonly "booking.sold_out_refused": { readonly concertId: ConcertId; readonly requests: number };
  /** A request was refused because the queue is full, or because its deadline would pass before its turn. */
  readonly "booking.overloaded": { readonly concertId: ConcertId };
}
