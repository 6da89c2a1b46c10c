import type { Booking } from "../domain/booking.ts";
import type { Deadline } from "../domain/deadline.ts";
import { DomainError } from "../domain/failure.ts";
import type { BookingId } from "../domain/ids.ts";
import { type Page, pageOf } from "../domain/page.ts";
import { findBooking, listUserBookings } from "../store/bookings.ts";
import type { Store } from "../store/store.ts";

/** One booking of `owner`, or of any user if that is undefined. Raises BOOKING_NOT_FOUND and NOT_BOOKING_OWNER. */
export async function getBooking(
  store: Store,
  bookingId: BookingId,
  owner: string | undefined,
  deadline: Deadline,
): Promise<Booking> {
  // Never cached: after history was lost in a failover, the id is assigned again, to another user's booking.
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
  before: BookingId | undefined,
  pageSize: number,
  deadline: Deadline,
): Promise<Page<Booking, BookingId>> {
  const found = await store.read((db) => listUserBookings(db, userId, before, pageSize + 1), deadline);
  return pageOf(found, pageSize, ({ id }) => id);
}
