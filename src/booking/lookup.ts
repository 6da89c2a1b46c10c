import { LRUCache } from "lru-cache";
import type { Booking } from "../domain/booking.ts";
import type { Deadline } from "../domain/deadline.ts";
import { findBooking } from "../store/bookings.ts";
import type { Store } from "../store/store.ts";

/** What never changes of a booking. */
export type BookingOrigin = Pick<Booking, "concertId" | "userId">;

/** Finds which concert and whose a booking is; undefined if there is no such booking. */
export type LookUpBooking = (bookingId: bigint, deadline: Deadline) => Promise<BookingOrigin | undefined>;

const maxRemembered = 10_000;

/** Makes a look-up that remembers what it has found. What it has not found may be booked in a moment. */
export function createBookingLookup(store: Store): LookUpBooking {
  const origins = new LRUCache<bigint, BookingOrigin>({ max: maxRemembered });
  return async (bookingId, deadline) => {
    const known = origins.get(bookingId);
    if (known) return known;
    const booking = await store.read((db) => findBooking(db, bookingId), deadline);
    if (!booking) return undefined;
    const { concertId, userId } = booking;
    const origin = { concertId, userId };
    origins.set(bookingId, origin);
    return origin;
  };
}
