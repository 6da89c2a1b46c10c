import type { Booking, BookingStatus } from "../domain/booking.ts";
import type { Deadline } from "../domain/deadline.ts";
import { DomainError } from "../domain/failure.ts";
import type { BookingId, ConcertId } from "../domain/ids.ts";
import type { Page } from "../domain/page.ts";
import { findBooking, listBookings } from "../store/bookings.ts";
import { findConcert } from "../store/concerts.ts";
import type { Store } from "../store/store.ts";

/** One booking of `owner`, or of any user if that is undefined. Raises BOOKING_NOT_FOUND and NOT_BOOKING_OWNER. */
export async function getBooking(
  store: Store,
  bookingId: BookingId,
  owner: string | undefined,
  deadline: Deadline,
): Promise<Booking> {
  // Never cached: after history was lost in a failover, the id is assigned again, to another user's booking.
  return requireOwned(bookingId, await store.read((db) => findBooking(db, bookingId), deadline), owner);
}

/** What was found of a booking, if it is there and `owner` owns it, or any user may if that is undefined. */
export function requireOwned<Found extends Pick<Booking, "userId">>(
  bookingId: BookingId,
  found: Found | undefined,
  owner: string | undefined,
): Found {
  if (!found) throw new DomainError({ reason: "BOOKING_NOT_FOUND", bookingId });
  if (owner !== undefined && found.userId !== owner) throw new DomainError({ reason: "NOT_BOOKING_OWNER", bookingId });
  return found;
}

/** The statuses in a user's list whose request names none. */
const settledStatuses: readonly BookingStatus[] = ["confirmed", "cancelled"];

/** Which bookings to list. No statuses means the list's usual ones. */
interface BookingList<Owner> {
  readonly of: Owner;
  readonly statuses: readonly BookingStatus[];
}

/** A part of a list; `before` is the `next` of the page before. */
interface PageRequest {
  readonly before: BookingId | undefined;
  readonly pageSize: number;
}

/** A page of a user's bookings, the newest first, usually the confirmed and cancelled ones. */
export function pageUserBookings(
  store: Store,
  { of: userId, statuses }: BookingList<string>,
  { before, pageSize }: PageRequest,
  deadline: Deadline,
): Promise<Page<Booking, BookingId>> {
  const wanted = statuses.length > 0 ? statuses : settledStatuses;
  return store.read((db) => listBookings(db, { userId }, wanted, before, pageSize), deadline);
}

/** A page of a concert's bookings, the newest first, usually of every status. Raises CONCERT_NOT_FOUND. */
export async function pageConcertBookings(
  store: Store,
  { of: concertId, statuses }: BookingList<ConcertId>,
  { before, pageSize }: PageRequest,
  deadline: Deadline,
): Promise<Page<Booking, BookingId>> {
  const page = await store.read((db) => listBookings(db, { concertId }, statuses, before, pageSize), deadline);
  if (page.items.length > 0 || page.next !== undefined) return page;
  const concert = await store.read((db) => findConcert(db, concertId), deadline);
  if (!concert) throw new DomainError({ reason: "CONCERT_NOT_FOUND", concertId });
  return page;
}
