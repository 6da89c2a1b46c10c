import type {
  Cancellation,
  ConcertBookingFilter,
  ConcertFilter,
  ConcertUpdate,
  Confirmation,
  HoldId,
  HoldOrder,
  NewConcert,
  Order,
  Page,
  UserBookingFilter,
} from "./arguments.ts";
import { type CallOptions, type CallSettings, call } from "./call.ts";
import type { Booking } from "./gen/frontrow/v1/booking_pb.ts";
import {
  BookingService,
  type GetUserBookingsResponse,
  type ListConcertBookingsResponse,
} from "./gen/frontrow/v1/booking_service_pb.ts";
import type { Concert } from "./gen/frontrow/v1/concert_pb.ts";
import { ConcertService, type ListConcertsResponse } from "./gen/frontrow/v1/concert_service_pb.ts";
import { Hold } from "./hold.ts";
import { type ClientOptions, settingsOf } from "./options.ts";
import { itemsOfPages } from "./pages.ts";
import { bookingsRequest, concertRequest, defined, filterRequest, newRequestId, ttlRequest } from "./requests.ts";

const concerts = ConcertService.method;
const bookings = BookingService.method;

/**
 * Calls a Frontrow service. Every call has a deadline, and is repeated if it fails in a way that may pass and repeating is safe.
 * Errors are a FrontrowError, or one of its subclasses.
 */
export class Client {
  readonly #settings: CallSettings;

  /** @param address the service's URL without a path, such as `https://tickets.example` */
  constructor(address: string, options: ClientOptions = {}) {
    this.#settings = settingsOf(address, options);
  }

  /** Gets one concert. */
  async getConcert(id: bigint, options?: CallOptions): Promise<Concert> {
    return await call(this.#settings, concerts.getConcert, { id }, options);
  }

  /** Gets one page of concerts, the earliest first. `concerts` iterates over all of them. */
  async listConcerts(page: Page<ConcertFilter> = {}, options?: CallOptions): Promise<ListConcertsResponse> {
    return await call(this.#settings, concerts.listConcerts, filterRequest(page), options);
  }

  /** Iterates over concerts, the earliest first, page by page. The options are those of each page. */
  concerts(filter: ConcertFilter = {}, options?: CallOptions): AsyncGenerator<Concert, void, undefined> {
    return itemsOfPages(async (pageToken) => {
      const { concerts: items, nextPageToken } = await this.listConcerts({ ...filter, pageToken }, options);
      return { items, nextPageToken };
    });
  }

  /** Creates a concert with all its tickets available. */
  async createConcert(concert: NewConcert, options?: CallOptions): Promise<Concert> {
    return await call(this.#settings, concerts.createConcert, withRequestId(concertRequest(concert)), options);
  }

  /** Replaces a concert's description. Throws `VersionMismatch` if it has been updated since `version`. */
  async updateConcert(update: ConcertUpdate, options?: CallOptions): Promise<Concert> {
    return await call(this.#settings, concerts.updateConcert, concertRequest(update), options);
  }

  /** Gets one booking. */
  async getBooking(id: bigint, options?: CallOptions): Promise<Booking> {
    return await call(this.#settings, bookings.getBooking, { id }, options);
  }

  /** Gets one page of a user's bookings, the newest first. `userBookings` iterates over all of them. */
  async getUserBookings(page: Page<UserBookingFilter> = {}, options?: CallOptions): Promise<GetUserBookingsResponse> {
    return await call(this.#settings, bookings.getUserBookings, bookingsRequest(page), options);
  }

  /** Iterates over a user's bookings, the newest first, page by page. The options are those of each page. */
  userBookings(filter: UserBookingFilter = {}, options?: CallOptions): AsyncGenerator<Booking, void, undefined> {
    return itemsOfPages(async (pageToken) => {
      const { bookings: items, nextPageToken } = await this.getUserBookings({ ...filter, pageToken }, options);
      return { items, nextPageToken };
    });
  }

  /** Gets one page of a concert's bookings, the newest first. `concertBookings` iterates over all of them. */
  async listConcertBookings(
    page: Page<ConcertBookingFilter>,
    options?: CallOptions,
  ): Promise<ListConcertBookingsResponse> {
    return await call(this.#settings, bookings.listConcertBookings, bookingsRequest(page), options);
  }

  /** Iterates over a concert's bookings, the newest first, page by page. The options are those of each page. */
  concertBookings(filter: ConcertBookingFilter, options?: CallOptions): AsyncGenerator<Booking, void, undefined> {
    return itemsOfPages(async (pageToken) => {
      const { bookings: items, nextPageToken } = await this.listConcertBookings({ ...filter, pageToken }, options);
      return { items, nextPageToken };
    });
  }

  /** Books tickets, all of them or none. */
  async bookTickets(order: Order, options?: CallOptions): Promise<Booking> {
    return await call(this.#settings, bookings.bookTickets, withRequestId(defined(order)), options);
  }

  /** Cancels a booking and puts its tickets back on sale. */
  async cancelBooking(cancellation: Cancellation, options?: CallOptions): Promise<Booking> {
    return await call(this.#settings, bookings.cancelBooking, withRequestId(defined(cancellation)), options);
  }

  /** Takes tickets off sale for a while. `hold` does so for a scope. */
  async holdTickets(order: HoldOrder, options?: CallOptions): Promise<Booking> {
    return await call(this.#settings, bookings.holdTickets, withRequestId(ttlRequest(order)), options);
  }

  /** Holds tickets for the time of a scope: `await using hold = await client.hold(…)`. */
  async hold(order: HoldOrder, options?: CallOptions): Promise<Hold> {
    return new Hold(this, await this.holdTickets(order, options));
  }

  /** Makes a hold a confirmed booking. */
  async confirmHold(confirmation: HoldId & Confirmation, options?: CallOptions): Promise<Booking> {
    return await call(this.#settings, bookings.confirmHold, defined(confirmation), options);
  }

  /** Ends a hold and puts its tickets back on sale. */
  async releaseHold(hold: HoldId, options?: CallOptions): Promise<Booking> {
    return await call(this.#settings, bookings.releaseHold, defined(hold), options);
  }

  /** Lets a hold live until so many seconds from now. */
  async extendHold(hold: HoldId & { readonly ttlSeconds: number }, options?: CallOptions): Promise<Booking> {
    return await call(this.#settings, bookings.extendHold, ttlRequest(hold), options);
  }
}

/** All attempts of the call have this key. The service takes an empty one for none, and would book twice. */
function withRequestId<Request extends { readonly requestId?: string }>(request: Request) {
  return { ...request, requestId: request.requestId || newRequestId() };
}
