import type { Booking } from "../domain/booking.ts";
import type { Deadline } from "../domain/deadline.ts";
import { DomainError } from "../domain/failure.ts";
import type { Page } from "../domain/page.ts";
import { findBooking, listUserBookings } from "../store/bookings.ts";
import type { Store } from "../store/store.ts";

/** One booking of `owner`, or of any user if that is undefined. Raises BOOKING_NOT_FOUND and NOT_BOOKING_OWNER. */
export async function getBooking(
  store: Store,
  bookingId: bigint,
  owner: string | undefined,
  deadline: Deadline,
): Promise<Booking> {
  // Read each time: after history was lost, an id comes again for another user's booking.
  const booking = await store.read((db) => findBooking(db, bookingId), deadline);
  if (!booking) throw new DomainError({ reason: "BOOKING_NOT_FOUND", bookingId });
  if (owner !== undefined && booking.userId !== owner)
    throw new DomainError({ reason: "NOT_BOOKING_OWNER", bookingId });
  return booking;
}

/** A page of a user's bookings, the newest first; `before` is the `next` of the page before. */
export async function pageUserBookings(
  store: Store,
  userId: string,
  before: bigint | undefined,
  pageSize: number,
  deadline: Deadline,
): Promise<Page<Booking, bigint>> {
  // One more than asked for tells whether there is a next page.
  const found = await store.read((db) => listUserBookings(db, userId, before, pageSize + 1), deadline);
  const items = found.slice(0, pageSize);
  return { items, next: found.length > pageSize ? items.at(-1)?.id : undefined };
}
