import { LRUCache } from "lru-cache";
import type { Deadline } from "../domain/deadline.ts";
import { findBooking } from "../store/bookings.ts";
import type { Store } from "../store/store.ts";

const maxRemembered = 10_000;

/** Finds the user whom a booking belongs to; undefined if there is no such booking. Who that is never changes. */
export function createOwnerLookup(
  store: Store,
): (bookingId: bigint, deadline: Deadline) => Promise<string | undefined> {
  const owners = new LRUCache<bigint, string>({ max: maxRemembered });
  return async (bookingId, deadline) => {
    const known = owners.get(bookingId);
    if (known !== undefined) return known;
    const booking = await store.read((db) => findBooking(db, bookingId), deadline);
    if (booking) owners.set(bookingId, booking.userId);
    return booking?.userId;
  };
}
