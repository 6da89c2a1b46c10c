/** The arguments of the client's methods. The schema's comments on the requests hold for them as well. */
import type { BookingStatus } from "./gen/frontrow/v1/booking_pb.ts";

/** A user, who may be left out if the client has a token: then it is the token's subject. */
interface OfUser {
  readonly userId?: string | undefined;
}

/** The key of a change that can be repeated safely: a UUID. By default each call of a method makes one. */
interface WithRequestId {
  readonly requestId?: string | undefined;
}

interface Paged {
  /** At most this many on a page: 1 to 100, 20 by default. */
  readonly pageSize?: number | undefined;
}

/** One page of a list. */
export type Page<Filter> = Filter & {
  /** The `nextPageToken` of the page before. Left out for the first page. */
  readonly pageToken?: string | undefined;
};

/** Filters of concerts. Those that are set must all hold. */
export interface ConcertFilter extends Paged {
  /** Texts that the concert's artist, venue and name contain. */
  readonly artist?: string | undefined;
  readonly venue?: string | undefined;
  readonly name?: string | undefined;
  /** The first instant. By default now. */
  readonly dateFrom?: Date | undefined;
  /** The instant before which concerts begin. */
  readonly dateTo?: Date | undefined;
  readonly availableOnly?: boolean | undefined;
  readonly bookingOpenOnly?: boolean | undefined;
}

/** Filters of a user's bookings. */
export interface UserBookingFilter extends OfUser, Paged {
  /** By default confirmed and cancelled ones. */
  readonly statuses?: readonly BookingStatus[] | undefined;
}

/** Filters of a concert's bookings. */
export interface ConcertBookingFilter extends Paged {
  readonly concertId: bigint;
  /** By default all. */
  readonly statuses?: readonly BookingStatus[] | undefined;
}

interface ConcertDescription {
  readonly name: string;
  readonly artist: string;
  readonly venue: string;
  readonly concertDate: Date;
  readonly totalTickets: number;
  /** Of one ticket, in units of the currency, with at most two decimals. */
  readonly price: number;
  readonly bookingStartTime: Date;
  readonly bookingEndTime: Date;
  /** How many tickets one user may have at once; 0 for no limit. */
  readonly maxTicketsPerUser?: number | undefined;
  /** Whether tickets must be held and paid for. */
  readonly requiresPayment?: boolean | undefined;
}

/** A concert to create. */
export interface NewConcert extends ConcertDescription, WithRequestId {
  /** By default USD. */
  readonly currencyCode?: string | undefined;
}

/** A concert's whole new description. */
export interface ConcertUpdate extends ConcertDescription {
  readonly id: bigint;
  /** The version that the update is based on. */
  readonly version: number;
  readonly currencyCode: string;
}

/** Tickets to book. */
export interface Order extends OfUser, WithRequestId {
  readonly concertId: bigint;
  readonly ticketCount: number;
}

/** Tickets to hold. */
export interface HoldOrder extends Order {
  /** How long the hold lives. By default as long as the service's operator has set. */
  readonly ttlSeconds?: number | undefined;
}

/** A booking to cancel. */
export interface Cancellation extends OfUser, WithRequestId {
  readonly id: bigint;
}

/** How a hold is confirmed. */
export interface Confirmation {
  /** By default all tickets of the hold. The others go back on sale. */
  readonly ticketCount?: number | undefined;
  /** The payment's number at its provider. */
  readonly paymentReference?: string | undefined;
  /** Confirms a hold that has expired, if its tickets are available again. */
  readonly acceptLate?: boolean | undefined;
}

/** A hold, and its owner. */
export interface HoldId extends OfUser {
  readonly id: bigint;
}
