/** A concert and bookings of it, for tests that need no database. */
import type {
  BookCommand,
  CancelCommand,
  ConfirmCommand,
  ExtendCommand,
  HoldCommand,
  ReleaseCommand,
} from "../../../src/booking/commands.ts";
import type { BookingPolicy } from "../../../src/booking/policy.ts";
import type { Booking } from "../../../src/domain/booking.ts";
import type { Actor } from "../../../src/domain/change.ts";
import type { Concert } from "../../../src/domain/concert.ts";
import { bookingIdOf, concertIdOf } from "../../../src/domain/ids.ts";

export const opensAt = Temporal.Instant.from("2030-05-01T10:00:00Z");
export const closesAt = Temporal.Instant.from("2030-05-01T10:20:00Z");
export const duringSale = Temporal.Instant.from("2030-05-01T10:10:00Z");

const minuteMs = 60_000;

export const examplePolicy: BookingPolicy = {
  maxTicketsPerBooking: 10,
  maxHoldsPerUser: 1,
  holdTtlMs: 10 * minuteMs,
  holdTtlMaxMs: 35 * minuteMs,
  holdLifetimeMs: 60 * minuteMs,
  lateConfirmMs: 24 * 60 * minuteMs,
};

export const exampleConcert: Concert = {
  id: concertIdOf(7n),
  name: "Winter Journey",
  artist: "The Lindens",
  venue: "Old Foundry",
  concertDate: Temporal.Instant.from("2030-06-01T20:00:00Z"),
  totalTickets: 100,
  availableTickets: 20,
  heldTickets: 0,
  priceCents: 5_025,
  currencyCode: "USD",
  bookingStartTime: opensAt,
  bookingEndTime: closesAt,
  maxTicketsPerUser: undefined,
  requiresPayment: false,
  version: 1,
  createdAt: opensAt,
  updatedAt: opensAt,
};

export const exampleBooking: Booking = {
  id: bookingIdOf(1n),
  concertId: exampleConcert.id,
  userId: "ann",
  ticketCount: 2,
  requestedCount: 2,
  bookingTime: duringSale,
  status: "confirmed",
  holdExpiresTime: undefined,
  paymentReference: undefined,
  unitPriceCents: 5_025,
  totalPriceCents: 10_050,
  currencyCode: "USD",
  requestId: "key",
  cancelRequestId: undefined,
  createdAt: duringSale,
  updatedAt: duringSale,
};

/** A hold of the same tickets that lives for five minutes more. */
export const exampleHold: Booking & { readonly holdExpiresTime: Temporal.Instant } = {
  ...exampleBooking,
  status: "held",
  holdExpiresTime: duringSale.add({ minutes: 5 }),
};

/** The example's owner, at an address. */
export const owner: Actor = { subject: exampleBooking.userId, address: "192.0.2.1" };

/** Ids as a test writes them. */
type PlainIds<Value> = { [Key in keyof Value]: Value[Key] extends bigint ? bigint : Value[Key] };
type Changes<Value> = Partial<PlainIds<Value>>;

function orderFor(changes: Changes<BookCommand | HoldCommand>) {
  const { userId, ticketCount, requestId } = exampleBooking;
  const concertId = concertIdOf(changes.concertId ?? exampleBooking.concertId);
  return { userId, ticketCount, requestId, hasOwnKey: true, isExempt: false, actor: owner, ...changes, concertId };
}

/** A request for the example's tickets, with a key of the caller's own. */
export function bookingRequest(changes: Changes<Omit<BookCommand, "kind">> = {}): BookCommand {
  return { ...orderFor(changes), kind: "book" };
}

/** A request to hold the example's tickets, with a key of the caller's own. */
export function holdRequest(changes: Changes<Omit<HoldCommand, "kind">> = {}): HoldCommand {
  return { ttlMs: undefined, ...orderFor(changes), ...changes, concertId: orderFor(changes).concertId, kind: "hold" };
}

function changeFor(changes: Changes<ReleaseCommand | ConfirmCommand | ExtendCommand | CancelCommand>) {
  const concertId = concertIdOf(changes.concertId ?? exampleBooking.concertId);
  const bookingId = bookingIdOf(changes.bookingId ?? exampleBooking.id);
  return { concertId, bookingId };
}

/** The owner's request to cancel the example. */
export function cancelRequest(changes: Changes<Omit<CancelCommand, "kind">> = {}): CancelCommand {
  const { userId } = exampleBooking;
  return { userId, requestId: "cancel key", actor: owner, ...changes, ...changeFor(changes), kind: "cancel" };
}

/** The owner's request to confirm all of the example. */
export function confirmRequest(changes: Changes<Omit<ConfirmCommand, "kind">> = {}): ConfirmCommand {
  const { userId } = exampleBooking;
  return {
    ...{ userId, ownerId: userId, ticketCount: 0, paymentReference: undefined, acceptLate: false },
    ...{ hasConfirmScope: true, actor: owner, ...changes, ...changeFor(changes), kind: "confirm" },
  };
}

export function releaseRequest(changes: Changes<Omit<ReleaseCommand, "kind">> = {}): ReleaseCommand {
  return { userId: exampleBooking.userId, actor: owner, ...changes, ...changeFor(changes), kind: "release" };
}

/** The owner's request to extend the example by ten minutes. */
export function extendRequest(changes: Changes<Omit<ExtendCommand, "kind">> = {}): ExtendCommand {
  const { userId } = exampleBooking;
  return { userId, ttlMs: 10 * minuteMs, actor: owner, ...changes, ...changeFor(changes), kind: "extend" };
}
