import type { Transport } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
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
import { itemsOfPages } from "./pages.ts";
import { concertRequest, defined, filterRequest, newRequestId, ttlRequest } from "./requests.ts";
import { defaultRetry, type RetryPolicy } from "./retry.ts";
import { TokenCache, type TokenSource } from "./token.ts";

/** How a client calls the service. */
export interface ClientOptions {
  /** A token (JWT), or what returns one. Left out for a service without tokens. */
  readonly token?: string | TokenSource | undefined;
  /** How long a call may take with all of its attempts. By default 10 s. */
  readonly timeoutMs?: number | undefined;
  /** How long one attempt may take. By default 4 s. */
  readonly attemptTimeoutMs?: number | undefined;
  /** How failed attempts are repeated. */
  readonly retry?: Partial<RetryPolicy> | undefined;
  /** The protocol: `grpcWeb` of this package, or any transport of Connect. By default Connect. */
  readonly transport?: ((options: TransportOptions) => Transport) | undefined;
}

/** What a transport is made from. */
export interface TransportOptions {
  readonly baseUrl: string;
  readonly useBinaryFormat: true;
}

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
    const baseUrl = originOf(address);
    const createTransport = options.transport ?? createConnectTransport;
    this.#settings = {
      address: baseUrl,
      transport: createTransport({ baseUrl, useBinaryFormat: true }),
      token: options.token === undefined ? undefined : new TokenCache(options.token),
      timeoutMs: options.timeoutMs ?? 10_000,
      attemptTimeoutMs: options.attemptTimeoutMs ?? 4_000,
      retry: { ...defaultRetry, ...options.retry },
    };
  }

  /** Gets one concert. */
  getConcert(id: bigint, options?: CallOptions): Promise<Concert> {
    return call(this.#settings, concerts.getConcert, { id }, options);
  }

  /** Gets one page of concerts, the earliest first. `concerts` iterates over all of them. */
  listConcerts(page: Page<ConcertFilter> = {}, options?: CallOptions): Promise<ListConcertsResponse> {
    return call(this.#settings, concerts.listConcerts, filterRequest(page), options);
  }

  /** Iterates over concerts, the earliest first, page by page. The options are those of each page. */
  concerts(filter: ConcertFilter = {}, options?: CallOptions): AsyncGenerator<Concert, void, undefined> {
    return itemsOfPages(async (pageToken) => {
      const { concerts: items, nextPageToken } = await this.listConcerts({ ...filter, pageToken }, options);
      return { items, nextPageToken };
    });
  }

  /** Creates a concert with all its tickets available. */
  createConcert(concert: NewConcert, options?: CallOptions): Promise<Concert> {
    return call(this.#settings, concerts.createConcert, withRequestId(concertRequest(concert)), options);
  }

  /** Replaces a concert's description. Throws `VersionMismatch` if it has been updated since `version`. */
  updateConcert(update: ConcertUpdate, options?: CallOptions): Promise<Concert> {
    return call(this.#settings, concerts.updateConcert, concertRequest(update), options);
  }

  /** Gets one booking. */
  getBooking(id: bigint, options?: CallOptions): Promise<Booking> {
    return call(this.#settings, bookings.getBooking, { id }, options);
  }

  /** Gets one page of a user's bookings, the newest first. `userBookings` iterates over all of them. */
  getUserBookings(page: Page<UserBookingFilter> = {}, options?: CallOptions): Promise<GetUserBookingsResponse> {
    return call(this.#settings, bookings.getUserBookings, defined(page), options);
  }

  /** Iterates over a user's bookings, the newest first, page by page. The options are those of each page. */
  userBookings(filter: UserBookingFilter = {}, options?: CallOptions): AsyncGenerator<Booking, void, undefined> {
    return itemsOfPages(async (pageToken) => {
      const { bookings: items, nextPageToken } = await this.getUserBookings({ ...filter, pageToken }, options);
      return { items, nextPageToken };
    });
  }

  /** Gets one page of a concert's bookings, the newest first. `concertBookings` iterates over all of them. */
  listConcertBookings(page: Page<ConcertBookingFilter>, options?: CallOptions): Promise<ListConcertBookingsResponse> {
    return call(this.#settings, bookings.listConcertBookings, defined(page), options);
  }

  /** Iterates over a concert's bookings, the newest first, page by page. The options are those of each page. */
  concertBookings(filter: ConcertBookingFilter, options?: CallOptions): AsyncGenerator<Booking, void, undefined> {
    return itemsOfPages(async (pageToken) => {
      const { bookings: items, nextPageToken } = await this.listConcertBookings({ ...filter, pageToken }, options);
      return { items, nextPageToken };
    });
  }

  /** Books tickets, all of them or none. */
  bookTickets(order: Order, options?: CallOptions): Promise<Booking> {
    return call(this.#settings, bookings.bookTickets, withRequestId(defined(order)), options);
  }

  /** Cancels a booking and puts its tickets back on sale. */
  cancelBooking(cancellation: Cancellation, options?: CallOptions): Promise<Booking> {
    return call(this.#settings, bookings.cancelBooking, withRequestId(defined(cancellation)), options);
  }

  /** Takes tickets off sale for a while. `hold` does so for a scope. */
  holdTickets(order: HoldOrder, options?: CallOptions): Promise<Booking> {
    return call(this.#settings, bookings.holdTickets, withRequestId(ttlRequest(order)), options);
  }

  /** Holds tickets for the time of a scope: `await using hold = await client.hold(…)`. */
  async hold(order: HoldOrder, options?: CallOptions): Promise<Hold> {
    return new Hold(this, await this.holdTickets(order, options));
  }

  /** Makes a hold a confirmed booking. */
  confirmHold(confirmation: HoldId & Confirmation, options?: CallOptions): Promise<Booking> {
    return call(this.#settings, bookings.confirmHold, defined(confirmation), options);
  }

  /** Ends a hold and puts its tickets back on sale. */
  releaseHold(hold: HoldId, options?: CallOptions): Promise<Booking> {
    return call(this.#settings, bookings.releaseHold, defined(hold), options);
  }

  /** Lets a hold live until so many seconds from now. */
  extendHold(hold: HoldId & { readonly ttlSeconds: number }, options?: CallOptions): Promise<Booking> {
    return call(this.#settings, bookings.extendHold, ttlRequest(hold), options);
  }
}

/** All attempts of the call have this key. */
function withRequestId<Request extends { readonly requestId?: string }>(request: Request) {
  return { requestId: newRequestId(), ...request };
}

function originOf(address: string): string {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.href !== `${url.origin}/`) {
    throw new TypeError(`the address must be a URL with http or https and without a path: ${address}`);
  }
  return url.origin;
}
