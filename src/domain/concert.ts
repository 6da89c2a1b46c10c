/** A concert's description: what an organizer says of it. Times have at most microseconds. */
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
}

/** A concert as stored. */
export interface Concert extends ConcertDescription {
  readonly id: bigint;
  readonly availableTickets: number;
  /** The description's optimistic lock: bookings leave it alone. */
  readonly version: number;
  readonly createdAt: Temporal.Instant;
  readonly updatedAt: Temporal.Instant;
}

/** Which concerts to list; what is undefined or false does not filter. */
export interface ConcertFilter {
  /** Substrings in any case; of one or two characters, beginnings of words. */
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

/** Whether a filter has texts, for which many concerts are looked through. */
export function isSearch({ artist, venue, name }: ConcertFilter): boolean {
  return artist !== undefined || venue !== undefined || name !== undefined;
}

/** The place of a concert in the order of lists. */
export interface ConcertPosition {
  readonly concertDate: Temporal.Instant;
  readonly id: bigint;
}
