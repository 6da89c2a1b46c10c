import type { BookingId, ConcertId } from "./ids.ts";

/** What the service refuses or fails to do, as a closed union: `rpc/status.ts` maps every member to what callers get. */

/** A request field and what is wrong with it. */
export interface Violation {
  /** The field's path as the schema names it, such as `ticket_count`; empty for the request as a whole. */
  readonly field: string;
  /** What is wrong, to be read after the field's name. */
  readonly message: string;
}

/** When to repeat what was refused for a reason that may pass at any time. */
export const retryDelayMs = 1_000;

/** The header whose demand a resource's version does not meet. */
export type BrokenPrecondition = "If-Match" | "If-None-Match";

export type Failure =
  | { readonly reason: "INVALID_REQUEST"; readonly violations: readonly Violation[] }
  | { readonly reason: "INVALID_PAGE_TOKEN" }
  | { readonly reason: "REQUEST_ID_REUSED" }
  | { readonly reason: "CONCERT_NOT_FOUND"; readonly concertId: ConcertId }
  | { readonly reason: "BOOKING_NOT_FOUND"; readonly bookingId: BookingId }
  | {
      readonly reason: "BOOKING_NOT_OPEN";
      readonly opensAt: Temporal.Instant;
      readonly closesAt: Temporal.Instant;
      readonly now: Temporal.Instant;
    }
  | { readonly reason: "TICKET_LIMIT_EXCEEDED"; readonly limit: number }
  | { readonly reason: "INSUFFICIENT_TICKETS"; readonly available: number }
  | { readonly reason: "ALREADY_CANCELLED"; readonly bookingId: BookingId }
  | { readonly reason: "NOT_BOOKING_OWNER"; readonly bookingId: BookingId }
  /** `problem` says what is wrong with the credentials, to be read by a person; or that there are none. */
  | { readonly reason: "UNAUTHENTICATED"; readonly problem: string; readonly isMissing?: boolean }
  /** The keys that tokens are checked with cannot be had; `isKeyUnknown` when only the key that the token names is missing. */
  | { readonly reason: "KEYS_UNAVAILABLE"; readonly retryDelayMs: number; readonly isKeyUnknown?: boolean }
  /** `isForOthers` when only what is the caller's own is allowed without the scope. */
  | { readonly reason: "MISSING_SCOPE"; readonly scope: string; readonly isForOthers?: boolean }
  | { readonly reason: "TOTAL_BELOW_SOLD"; readonly sold: number }
  /** `header` when a precondition in the call's headers decided, not the version in the request. */
  | { readonly reason: "VERSION_MISMATCH"; readonly currentVersion: number; readonly header?: BrokenPrecondition }
  /** This caller asks for more than its share. Certainly nothing was stored. */
  | { readonly reason: "RATE_LIMITED"; readonly problem: string; readonly retryDelayMs: number }
  /** More callers wait than can be served. Certainly nothing was stored. */
  | { readonly reason: "OVERLOADED"; readonly retryDelayMs: number }
  /** A stream of responses has lasted as long as one may. Its client opens another one. */
  | { readonly reason: "STREAM_EXPIRED"; readonly retryDelayMs: number }
  /** Certainly nothing was stored. */
  | { readonly reason: "DATABASE_UNAVAILABLE"; readonly retryDelayMs: number }
  /** It may have been stored: the answer to COMMIT was lost and could not be settled. */
  | { readonly reason: "OUTCOME_UNKNOWN" }
  /** `begun` when the work had begun, so that it may have been stored. */
  | { readonly reason: "DEADLINE_EXCEEDED"; readonly begun: boolean }
  /** The grace period of a shutdown ended before the call did. `begun` as in DEADLINE_EXCEEDED. */
  | { readonly reason: "SHUTTING_DOWN"; readonly begun: boolean; readonly retryDelayMs: number };

export type Reason = Failure["reason"];

/** A failure on its way to the caller. `cause` is for the log and never leaves the process. */
export class DomainError extends Error {
  override readonly name = "DomainError";
  readonly failure: Failure;

  constructor(failure: Failure, options?: { cause?: unknown }) {
    super(failure.reason, options);
    this.failure = failure;
  }
}
