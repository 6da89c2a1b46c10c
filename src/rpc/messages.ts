import type { MessageInitShape } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import { type Timestamp, TimestampSchema } from "@bufbuild/protobuf/wkt";
import { type BookingSchema, BookingStatus } from "../../gen/frontrow/v1/booking_pb.ts";
import type { ConcertSchema } from "../../gen/frontrow/v1/concert_pb.ts";
import type * as domain from "../domain/booking.ts";
import type { Concert } from "../domain/concert.ts";

const nanosPerSecond = 1_000_000_000n;

/** The newest instant that was made a message: all bookings of a batch have one and the same, three times each. */
let newest: { readonly instant: Temporal.Instant; readonly message: Timestamp } | undefined;

/**
 * An instant as a message, which others may hold as well and nobody may change. Instants before 1970 have nanos that
 * count forward, as the Timestamp's rule says.
 */
export function timestampMessage(instant: Temporal.Instant): Timestamp {
  if (newest?.instant === instant) return newest.message;
  const total = instant.epochNanoseconds;
  const nanos = ((total % nanosPerSecond) + nanosPerSecond) % nanosPerSecond;
  const message = create(TimestampSchema, { seconds: (total - nanos) / nanosPerSecond, nanos: Number(nanos) });
  newest = { instant, message };
  return message;
}

/** A concert as the schema says it. */
export function concertMessage(concert: Concert): MessageInitShape<typeof ConcertSchema> {
  return {
    id: concert.id,
    name: concert.name,
    artist: concert.artist,
    venue: concert.venue,
    concertDate: timestampMessage(concert.concertDate),
    totalTickets: concert.totalTickets,
    availableTickets: concert.availableTickets,
    price: concert.priceCents / 100,
    currencyCode: concert.currencyCode,
    bookingStartTime: timestampMessage(concert.bookingStartTime),
    bookingEndTime: timestampMessage(concert.bookingEndTime),
    version: concert.version,
    createdAt: timestampMessage(concert.createdAt),
    updatedAt: timestampMessage(concert.updatedAt),
  };
}

const statusMessages: Record<domain.BookingStatus, BookingStatus> = {
  confirmed: BookingStatus.CONFIRMED,
  cancelled: BookingStatus.CANCELLED,
};

/** A booking as the schema says it. */
export function bookingMessage(booking: domain.Booking): MessageInitShape<typeof BookingSchema> {
  return {
    id: booking.id,
    concertId: booking.concertId,
    userId: booking.userId,
    ticketCount: booking.ticketCount,
    bookingTime: timestampMessage(booking.bookingTime),
    status: statusMessages[booking.status],
    unitPrice: booking.unitPriceCents / 100,
    totalPrice: booking.totalPriceCents / 100,
    currencyCode: booking.currencyCode,
    createdAt: timestampMessage(booking.createdAt),
    updatedAt: timestampMessage(booking.updatedAt),
  };
}
