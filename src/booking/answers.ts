import type { Booking } from "../domain/booking.ts";
import type { Failure } from "../domain/failure.ts";

/** What one caller gets once the batch is committed. */
export type Answer =
  /** The booking as the commands up to this one leave it. `replayed` if this one left it as it was. */
  | { readonly kind: "booking"; readonly booking: Booking; readonly replayed: boolean }
  | { readonly kind: "refused"; readonly failure: Failure }
  /** The command is to be decided again: tickets that it lacks may be those of holds that are due. */
  | { readonly kind: "undecided" }
  /** The command was the service's own. */
  | { readonly kind: "done" };

export function stored(booking: Booking): Answer {
  return { kind: "booking", booking, replayed: false };
}

export function replayed(booking: Booking): Answer {
  return { kind: "booking", booking, replayed: true };
}

export function refused(failure: Failure): Answer {
  return { kind: "refused", failure };
}
