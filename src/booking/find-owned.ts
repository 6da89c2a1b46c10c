import type { Booking } from "../domain/booking.ts";
import type { Failure } from "../domain/failure.ts";
import type { ChangeCommand } from "./commands.ts";
import type { Ledger } from "./ledger.ts";

type Found =
  | { readonly booking: Booking; readonly failure?: undefined }
  | { readonly booking?: undefined; readonly failure: Failure };

/** The booking that a command changes, if the command's user owns it. */
export function findOwned({ bookingId, userId }: ChangeCommand, ledger: Ledger): Found {
  const booking = ledger.find(bookingId);
  if (!booking) return { failure: { reason: "BOOKING_NOT_FOUND", bookingId } };
  if (userId !== undefined && booking.userId !== userId) return { failure: { reason: "NOT_BOOKING_OWNER", bookingId } };
  return { booking };
}
