/** What the booking engine publishes. */
export interface BookingEvents {
  /** A batch took these requests from its concert's queue. */
  readonly "booking.batch_started": {
    readonly concertId: bigint;
    readonly requests: number;
    /** Requests that stay in the queue. */
    readonly queued: number;
    /** How long the request waited that waited longest. */
    readonly longestWaitMs: number;
  };
  /** A batch has ended. Durations are undefined for a step that it did not reach. */
  readonly "booking.batch_finished": {
    readonly concertId: bigint;
    readonly requests: number;
    readonly booked: number;
    readonly cancelled: number;
    readonly refused: number;
    /** From the request for the lock until it was held. */
    readonly lockWaitMs: number | undefined;
    /** From the lock until COMMIT was answered. */
    readonly lockHeldMs: number | undefined;
    readonly error: unknown;
  };
  /** Requests were answered INSUFFICIENT_TICKETS from memory. */
  readonly "booking.sold_out_refused": { readonly concertId: bigint; readonly requests: number };
  /** A request was refused because too many wait. */
  readonly "booking.overloaded": { readonly concertId: bigint };
  /** The answer to a batch's COMMIT was lost. */
  readonly "booking.commit_in_doubt": { readonly concertId: bigint; readonly requests: number };
  /** What became of such a batch is known now, or will not be. */
  readonly "booking.commit_settled": {
    readonly concertId: bigint;
    readonly outcome: "committed" | "rolled back" | "unknown";
  };
}
