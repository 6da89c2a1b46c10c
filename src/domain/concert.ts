import type { ConcertId } from "./ids.ts";

/** A concert's description, which organizers write. Times have at most microseconds. */
export interface ConcertDescription {
  readonly name: string;
  readonly artist: string;
  readonly venue: string;
  readonly concertDate: Temporal.Instant;
  readonly totalTickets: number;
  readonly priceCents: number;
  readonly currencyCode: string;
  readonly bookingStartTime: Temporal.Instant;
  /** Exclusive. */
  readonly bookingEndTime: Temporal.Instant;
  /** How many tickets one user may have at once, booked and held together; undefined for no limit. */
  readonly maxTicketsPerUser: number | undefined;
  /** Whether tickets must be held and paid for: they cannot be booked at once. */
  readonly requiresPayment: boolean;
}

/** A description's replacement. What is undefined stays as it is. */
export interface DescriptionUpdate extends Omit<ConcertDescription, "maxTicketsPerUser" | "requiresPayment"> {
  /** 0 for no limit. */
  readonly maxTicketsPerUser: number | undefined;
  readonly requiresPayment: boolean | undefined;
}

/** A concert as stored. */
export interface Concert extends ConcertDescription {
  readonly id: ConcertId;
  readonly availableTickets: number;
  /** Neither available nor sold: those of the holds. */
  readonly heldTickets: number;
  /** The description's optimistic lock. Bookings do not change it. */
  readonly version: number;
  readonly createdAt: Temporal.Instant;
  readonly updatedAt: Temporal.Instant;
}

/** Which concerts to list. A field that is undefined or false does not filter. */
export interface ConcertFilter {
  /** Substrings in any case. Texts of one or two characters match the beginnings of words only. */
  readonly artist: string | undefined;
  readonly venue: string | undefined;
  readonly name: string | undefined;
  /** If undefined: now, by the database's clock. */
  readonly dateFrom: Temporal.Instant | undefined;
  /** Exclusive. */
  readonly dateTo: Temporal.Instant | undefined;
  readonly availableOnly: boolean;
  readonly bookingOpenOnly: boolean;
}

/** Whether a filter has texts: such a list reads many concerts for few matches. */
export function isSearch({ artist, venue, name }: ConcertFilter): boolean {
  return artist !== undefined || venue !== undefined || name !== undefined;
}

/** The place of a concert in the order of lists. */
export interface ConcertPosition {
  readonly concertDate: Temporal.Instant;
  readonly id: ConcertId;
}
