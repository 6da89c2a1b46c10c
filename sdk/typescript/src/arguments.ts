/** The arguments of the client's methods. The schema's comments on the requests hold for them as well. */
import type { BookingStatus } from "./gen/frontrow/v1/booking_pb.ts";

interface OfUser {
  /** The user's id. It may be left out if the client has a token: then it is the token's subject. */
  readonly userId?: string | undefined;
}

interface WithRequestId {
  /** The key by which the change can be repeated safely: a UUID. By default each call of a method makes one. */
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
  /** A text that the concert's artist contains. */
  readonly artist?: string | undefined;
  /** A text that the concert's venue contains. */
  readonly venue?: string | undefined;
  /** A text that the concert's name contains. */
  readonly name?: string | undefined;
  /** The first instant. By default now. */
  readonly dateFrom?: Date | undefined;
  /** The instant before which concerts begin. */
  readonly dateTo?: Date | undefined;
  /** Only concerts with tickets left. */
  readonly availableOnly?: boolean | undefined;
  /** Only concerts whose booking window is open. */
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
  /** When the concert begins. */
  readonly concertDate: Date;
  /** How many tickets there are, those that are sold included. */
  readonly totalTickets: number;
  /** Of one ticket, in units of the currency, with at most two decimals. */
  readonly price: number;
  /** When tickets can be booked first. */
  readonly bookingStartTime: Date;
  /** When they cannot be booked any more. */
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
  /** At least 1. The service's operator has set the most. */
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
