/** Concerts and bookings for tests to start from. They are made through the API, or by SQL where it takes too long. */
import { type DescMethodUnary, fromJson, type MessageInitShape, type MessageShape, toJson } from "@bufbuild/protobuf";
import { type Timestamp, TimestampSchema } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import type { Booking } from "../../../gen/frontrow/v1/booking_pb.ts";
import {
  BookingService,
  type BookTicketsRequestSchema,
  type HoldTicketsRequestSchema,
} from "../../../gen/frontrow/v1/booking_service_pb.ts";
import type { Concert } from "../../../gen/frontrow/v1/concert_pb.ts";
import { ConcertService, type CreateConcertRequestSchema } from "../../../gen/frontrow/v1/concert_service_pb.ts";
import { type ConcertId, concertIdOf } from "../../../src/domain/ids.ts";
import type { TestDatabase } from "../database/database.ts";
import { succeeded } from "../protocols/outcomes.ts";
import type { ProtocolClient } from "../protocols/protocols.ts";

type ConcertInit = MessageInitShape<typeof CreateConcertRequestSchema>;
type BookingInit = MessageInitShape<typeof BookTicketsRequestSchema>;
type HoldInit = MessageInitShape<typeof HoldTicketsRequestSchema>;

/** A concert whose booking is open for the rest of this century. */
export const moonlight = {
  name: "Moonlight",
  artist: "The Larks",
  venue: "Old Mill",
  concertDate: timestamp("2099-06-01T20:00:00Z"),
  totalTickets: 100,
  price: 50.25,
  currencyCode: "EUR",
  bookingStartTime: timestamp("2020-05-01T10:00:00Z"),
  bookingEndTime: timestamp("2099-06-01T19:30:00.5Z"),
} satisfies ConcertInit;

/** What both CreateConcert and UpdateConcert take. */
export type Description = typeof moonlight;

export function describeConcert(changes: Partial<Description> = {}): Description {
  return { ...moonlight, ...changes };
}

/** Creates a concert by a client of any protocol. */
export async function createConcert(client: ProtocolClient, changes: Partial<Description> = {}): Promise<Concert> {
  return succeeded(await client.call(ConcertService.method.createConcert, describeConcert(changes)));
}

/** Stores concerts by SQL and returns their ids. `columns` are SQL expressions in place of the usual ones. */
export async function insertConcerts(
  database: Pick<TestDatabase, "query">,
  columns: Readonly<Record<string, string | number>> = {},
  count = 1,
): Promise<ConcertId[]> {
  const { total_tickets = 1_000, ...others } = columns;
  const row = {
    ...{ name: "'Moonlight'", artist: "'The Larks'", venue: "'Old Mill'", price: 10.5, concert_date: "'2099-01-01'" },
    ...{ booking_start_time: "'2020-01-01'", booking_end_time: "'2099-01-01'", total_tickets },
    ...{ available_tickets: total_tickets, ...others },
  };
  const rows = await database.query<{ id: string }>(
    `INSERT INTO concerts (${Object.keys(row)}) SELECT ${Object.values(row)} FROM generate_series(1, $1) RETURNING id`,
    [count],
  );
  return rows.map(({ id }) => concertIdOf(BigInt(id)));
}

/** The same as `moonlight` in JSON as REST writes it. */
export const moonlightJson = {
  name: "Moonlight",
  artist: "The Larks",
  venue: "Old Mill",
  concert_date: "2099-06-01T20:00:00Z",
  total_tickets: 100,
  price: 50.25,
  currency_code: "EUR",
  booking_start_time: "2020-05-01T10:00:00Z",
  booking_end_time: "2099-06-01T19:30:00.500Z",
  max_tickets_per_user: 0,
  requires_payment: false,
};

/** The user of bookings, unless a test names another one. */
export const userId = "nora";

export interface Stage {
  /** Creates `moonlight` with these changes. */
  concert(changes?: Partial<ConcertInit>): Promise<Concert>;
  /** Books two tickets, unless the changes say otherwise. */
  booking(concert: Concert, changes?: Partial<BookingInit>): Promise<Booking>;
  /** Holds two tickets, unless the changes say otherwise. */
  hold(concert: Concert, changes?: Partial<HoldInit>): Promise<Booking>;
  cancel(booking: Booking, requestId?: string): Promise<Booking>;
  /** Calls any method. */
  call<Method extends DescMethodUnary>(
    method: Method,
    request: MessageInitShape<Method["input"]>,
  ): Promise<MessageShape<Method["output"]>>;
}

/** Makes concerts and bookings at the service of a URL. */
export function createStage(baseUrl: string): Stage {
  const transport = createConnectTransport({ baseUrl });
  const concerts = createClient(ConcertService, transport);
  const bookings = createClient(BookingService, transport);
  return {
    concert: (changes = {}) => concerts.createConcert({ ...moonlight, ...changes } as ConcertInit),
    booking: (concert, changes = {}) =>
      bookings.bookTickets({ concertId: concert.id, userId, ticketCount: 2, ...changes } as BookingInit),
    hold: (concert, changes = {}) =>
      bookings.holdTickets({ concertId: concert.id, userId, ticketCount: 2, ...changes } as HoldInit),
    cancel: (booking, requestId = "") => bookings.cancelBooking({ id: booking.id, userId: booking.userId, requestId }),
    call: async (method, request) =>
      (await transport.unary(method, undefined, undefined, undefined, request)).message as MessageShape<
        (typeof method)["output"]
      >,
  };
}

/** A timestamp of its RFC 3339 text. */
export function timestamp(text: string): Timestamp {
  return fromJson(TimestampSchema, text);
}

/** A timestamp as an instant, with all its digits. */
export function instantOf(timestamp: Timestamp | undefined): Temporal.Instant {
  if (!timestamp) throw new Error("there is no timestamp");
  return Temporal.Instant.fromEpochNanoseconds(timestamp.seconds * 1_000_000_000n + BigInt(timestamp.nanos));
}

/** A timestamp's text as ProtoJSON writes it. */
export function timestampJson(text: string): unknown {
  return toJson(TimestampSchema, timestamp(text));
}
