/** Concerts and bookings for tests to start from, made through the API. */
import { type DescMethodUnary, fromJson, type MessageInitShape, type MessageShape, toJson } from "@bufbuild/protobuf";
import { type Timestamp, TimestampSchema } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import type { Booking } from "../../gen/frontrow/v1/booking_pb.ts";
import { BookingService, type BookTicketsRequestSchema } from "../../gen/frontrow/v1/booking_service_pb.ts";
import type { Concert } from "../../gen/frontrow/v1/concert_pb.ts";
import { ConcertService, type CreateConcertRequestSchema } from "../../gen/frontrow/v1/concert_service_pb.ts";

type ConcertInit = MessageInitShape<typeof CreateConcertRequestSchema>;
type BookingInit = MessageInitShape<typeof BookTicketsRequestSchema>;

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
};

/** Who books, unless a test says otherwise. */
export const userId = "nora";

export interface Stage {
  /** Creates `moonlight`, changed as said. */
  concert(changes?: Partial<ConcertInit>): Promise<Concert>;
  /** Books two tickets, unless the changes say otherwise. */
  booking(concert: Concert, changes?: Partial<BookingInit>): Promise<Booking>;
  cancel(booking: Booking, requestId?: string): Promise<Booking>;
  /** Calls any method. */
  call<Method extends DescMethodUnary>(
    method: Method,
    request: MessageInitShape<Method["input"]>,
  ): Promise<MessageShape<Method["output"]>>;
}

/** Arranges things at the service of a URL. */
export function createStage(baseUrl: string): Stage {
  const transport = createConnectTransport({ baseUrl });
  const concerts = createClient(ConcertService, transport);
  const bookings = createClient(BookingService, transport);
  return {
    concert: (changes = {}) => concerts.createConcert({ ...moonlight, ...changes } as ConcertInit),
    booking: (concert, changes = {}) =>
      bookings.bookTickets({ concertId: concert.id, userId, ticketCount: 2, ...changes } as BookingInit),
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

/** A timestamp's text as ProtoJSON writes it. */
export function timestampJson(text: string): unknown {
  return toJson(TimestampSchema, timestamp(text));
}
