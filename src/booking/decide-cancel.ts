import { type Answer, refused, replayed, stored } from "./answers.ts";
import type { CancelCommand } from "./commands.ts";
import { findOwned } from "./find-owned.ts";
import type { Ledger } from "./ledger.ts";

/** Decides on a cancellation. Repeating it with its key is a replay. */
export function cancel(command: CancelCommand, ledger: Ledger): Answer {
  const found = findOwned(command, ledger);
  if (found.failure) return refused(found.failure);
  const { booking } = found;
  const { bookingId, requestId, actor } = command;
  if (booking.status === "cancelled") {
    return booking.cancelRequestId === requestId
      ? replayed(booking)
      : refused({ reason: "ALREADY_CANCELLED", bookingId });
  }
  if (booking.status !== "confirmed") return refused({ reason: "NOT_CONFIRMED", bookingId, status: booking.status });
  const after = { ...booking, status: "cancelled", cancelRequestId: requestId } as const;
  return stored(ledger.update("booking.cancel", booking, after, actor));
}
