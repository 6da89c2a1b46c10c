/** Random batches, and the bookings stored before them. */
import fc from "fast-check";
import type { Command } from "../../../src/booking/commands.ts";
import type { Booking } from "../../../src/domain/booking.ts";
import { bookingIdOf } from "../../../src/domain/ids.ts";
import { bookingRequest, cancelRequest, closesAt, duringSale, exampleBooking, opensAt } from "./example-bookings.ts";

const microsecond = { microseconds: 1 };

/** The most tickets of one booking; the batches ask for more than that as well. */
export const limit = 4;
const users = fc.constantFrom("ann", "ben", "Ann");
const counts = fc.integer({ min: 1, max: limit + 1 });
const bookingIds = fc.bigInt({ min: 1n, max: 6n });
const cancelKeys = fc.constantFrom("cancel a", "cancel b");

/** What a concert's bookings may be before a batch. */
export const storedBookings: fc.Arbitrary<Booking[]> = fc
  .uniqueArray(fc.record({ userId: users, requestId: fc.constantFrom("a", "b", "c") }), {
    maxLength: 5,
    selector: ({ userId, requestId }) => `${userId} ${requestId}`,
  })
  .chain((keys) =>
    fc.tuple(
      ...keys.map((key, at) =>
        fc.record({ ticketCount: counts, cancelRequestId: fc.option(cancelKeys, { nil: undefined }) }).map((rest) => ({
          ...exampleBooking,
          ...key,
          ...rest,
          id: bookingIdOf(BigInt(at + 1)),
          status: rest.cancelRequestId === undefined ? ("confirmed" as const) : ("cancelled" as const),
        })),
      ),
    ),
  );

/** Requests of one batch, each by a different actor. A request without a key gets a unique one. */
export const requests: fc.Arbitrary<Command[]> = fc
  .array(
    fc.oneof(
      fc.record({
        userId: users,
        ticketCount: counts,
        requestId: fc.option(fc.constantFrom("a", "b", "c", "d"), { nil: undefined }),
      }),
      fc.record({ bookingId: bookingIds, userId: users, requestId: cancelKeys }),
    ),
    { maxLength: 14 },
  )
  .map((drawn) =>
    drawn.map((facts, at) => {
      const actor = { subject: `caller ${at}`, address: undefined };
      if ("bookingId" in facts) return cancelRequest({ ...facts, actor });
      const { requestId = `made for ${at}`, ...rest } = facts;
      return bookingRequest({ ...rest, requestId, hasOwnKey: facts.requestId !== undefined, actor });
    }),
  );

/** When a batch is decided: mostly during the sale. */
export const instants = fc.constantFrom(
  ...[opensAt.subtract(microsecond), opensAt, duringSale, duringSale, duringSale],
  ...[closesAt.subtract(microsecond), closesAt],
);

/** The bookings that the store reads for a batch: those of its keys and ids only. */
export function readFor(batch: readonly Command[], stored: readonly Booking[]): Booking[] {
  const isWanted = (booking: Booking) => (request: Command) =>
    request.kind === "cancel"
      ? request.bookingId === booking.id
      : request.hasOwnKey && request.userId === booking.userId && request.requestId === booking.requestId;
  return stored.filter((booking) => batch.some(isWanted(booking)));
}
