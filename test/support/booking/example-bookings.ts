/** A concert and a booking of it, for tests that need no database. */
import type { BookCommand, CancelCommand } from "../../../src/booking/commands.ts";
import type { Booking } from "../../../src/domain/booking.ts";
import type { Actor } from "../../../src/domain/change.ts";
import type { Concert } from "../../../src/domain/concert.ts";
import { bookingIdOf, concertIdOf } from "../../../src/domain/ids.ts";

export const opensAt = Temporal.Instant.from("2030-05-01T10:00:00Z");
export const closesAt = Temporal.Instant.from("2030-05-01T10:20:00Z");
export const duringSale = Temporal.Instant.from("2030-05-01T10:10:00Z");

export const exampleConcert: Concert = {
  id: concertIdOf(7n),
  name: "Winter Journey",
  artist: "The Lindens",
  venue: "Old Foundry",
  concertDate: Temporal.Instant.from("2030-06-01T20:00:00Z"),
  totalTickets: 100,
  availableTickets: 20,
  priceCents: 5_025,
  currencyCode: "USD",
  bookingStartTime: opensAt,
  bookingEndTime: closesAt,
  version: 1,
  createdAt: opensAt,
  updatedAt: opensAt,
};

export const exampleBooking: Booking = {
  id: bookingIdOf(1n),
  concertId: exampleConcert.id,
  userId: "ann",
  ticketCount: 2,
  bookingTime: duringSale,
  status: "confirmed",
  unitPriceCents: 5_025,
  totalPriceCents: 10_050,
  currencyCode: "USD",
  requestId: "key",
  cancelRequestId: undefined,
  createdAt: duringSale,
  updatedAt: duringSale,
};

/** The example's owner, at an address. */
export const owner: Actor = { subject: exampleBooking.userId, address: "192.0.2.1" };

/** Ids as a test writes them. */
type PlainIds<Value> = { [Key in keyof Value]: Value[Key] extends bigint ? bigint : Value[Key] };

/** A request for the example's tickets, with a key of the caller's own. */
export function bookingRequest(changes: Partial<PlainIds<BookCommand>> = {}): BookCommand {
  const { userId, ticketCount, requestId } = exampleBooking;
  const concertId = concertIdOf(changes.concertId ?? exampleBooking.concertId);
  return { kind: "book", userId, ticketCount, requestId, hasOwnKey: true, actor: owner, ...changes, concertId };
}

/** The owner's request to cancel the example. */
export function cancelRequest(changes: Partial<PlainIds<CancelCommand>> = {}): CancelCommand {
  const { userId } = exampleBooking;
  const concertId = concertIdOf(changes.concertId ?? exampleBooking.concertId);
  const bookingId = bookingIdOf(changes.bookingId ?? exampleBooking.id);
  return { kind: "cancel", userId, requestId: "cancel key", actor: owner, ...changes, concertId, bookingId };
}
