import type { BookingStatus } from "./booking.ts";
import type { BookingId, ConcertId } from "./ids.ts";

/** What the service refuses or fails to do: a closed union. `rpc/status.ts` maps every member to what clients get. */

/** A request field and what is wrong with it. */
export interface Violation {
  /** The field's path as the schema names it, such as `ticket_count`; empty for the request as a whole. */
  readonly field: string;
  /** What is wrong, to be read after the field's name. */
  readonly message: string;
}

/** When to retry a request that was refused for a reason that may pass at any time. */
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
  /** `available`: how many tickets a late confirmation could have had. */
  | { readonly reason: "HOLD_EXPIRED"; readonly expiredAt: Temporal.Instant; readonly available: number }
  | { readonly reason: "ALREADY_CONFIRMED"; readonly bookingId: BookingId }
  | { readonly reason: "NOT_HELD"; readonly bookingId: BookingId; readonly status: BookingStatus }
  | { readonly reason: "NOT_CONFIRMED"; readonly bookingId: BookingId; readonly status: BookingStatus }
  | { readonly reason: "MORE_THAN_HELD"; readonly held: number }
  | { readonly reason: "HOLD_LIMIT_EXCEEDED"; readonly limit: number }
  /** `booked` and `held`: what the user has of the concert already. */
  | {
      readonly reason: "USER_LIMIT_EXCEEDED";
      readonly limit: number;
      readonly booked: number;
      readonly held: number;
    }
  | { readonly reason: "PAYMENT_REQUIRED" }
  /** `problem` is a message for a person: what is wrong with the credentials, or that they are missing. */
  | { readonly reason: "UNAUTHENTICATED"; readonly problem: string; readonly isMissing?: boolean }
  /** The keys for checking tokens cannot be fetched. `isKeyUnknown`: only the key that the token names is missing. */
  | { readonly reason: "KEYS_UNAVAILABLE"; readonly retryDelayMs: number; readonly isKeyUnknown?: boolean }
  /** `isForOthers`: without the scope the caller may act on its own resources only. */
  | { readonly reason: "MISSING_SCOPE"; readonly scope: string; readonly isForOthers?: boolean }
  | { readonly reason: "TOTAL_BELOW_SOLD"; readonly sold: number; readonly held: number }
  /** `header`: the precondition in the call's headers that failed; undefined if it is the version in the request. */
  | { readonly reason: "VERSION_MISMATCH"; readonly currentVersion: number; readonly header?: BrokenPrecondition }
  /** This caller sends more requests than its share. Certainly nothing was stored. */
  | { readonly reason: "RATE_LIMITED"; readonly problem: string; readonly retryDelayMs: number }
  /** More requests wait than can be served. Certainly nothing was stored. */
  | { readonly reason: "OVERLOADED"; readonly retryDelayMs: number }
  /** A stream has reached its longest duration. Its client opens another one. */
  | { readonly reason: "STREAM_EXPIRED"; readonly retryDelayMs: number }
  /** Certainly nothing was stored. */
  | { readonly reason: "DATABASE_UNAVAILABLE"; readonly retryDelayMs: number }
  /** It may have been stored: the response to COMMIT was lost, and the transaction stays in doubt. */
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

/** Whether a call failed only because its token names an unknown key, which any client can send. */
export function namesUnknownKey(failure: Failure | undefined): boolean {
  return failure?.reason === "KEYS_UNAVAILABLE" && failure.isKeyUnknown === true;
}
