import type { Booking } from "../domain/booking.ts";
import type { Replayable } from "../domain/change.ts";
import type { ChangeDeadline } from "../domain/deadline.ts";
import type { Store } from "../store/store.ts";
import type { ChangeCommand } from "./commands.ts";
import type { BookingEngine } from "./engine.ts";
import { requireOwned } from "./queries.ts";

type Requested<Command> = Command extends unknown ? Omit<Command, "concertId" | "ownerId"> : never;

/** A change of a booking, without what the stored booking says and no change alters. */
export type ChangeRequest = Requested<ChangeCommand>;

/** Confirms, releases, extends or cancels a booking. Rejects with a `DomainError` that says why not. */
export async function changeBooking(
  store: Pick<Store, "findPlace">,
  engine: BookingEngine,
  change: ChangeRequest,
  deadline: ChangeDeadline,
): Promise<Replayable<Booking>> {
  // The read finds the concert to lock, and refuses other users without a lock. The engine decides on the locked row.
  const place = await store.findPlace(change.bookingId, deadline);
  const { concertId, userId: ownerId } = requireOwned(change.bookingId, place, change.userId);
  const command: ChangeCommand =
    change.kind === "confirm" ? { ...change, concertId, ownerId } : { ...change, concertId };
  return engine.submit(command, deadline);
}
