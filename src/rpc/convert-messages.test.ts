import { create, toJson } from "@bufbuild/protobuf";
import { TimestampSchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BookingSchema } from "../../gen/frontrow/v1/booking_pb.ts";
import { ConcertSchema } from "../../gen/frontrow/v1/concert_pb.ts";
import type { Booking } from "../domain/booking.ts";
import type { Concert } from "../domain/concert.ts";
import { bookingIdOf, concertIdOf } from "../domain/ids.ts";
import { bookingMessage, concertMessage, timestampMessage } from "./convert.ts";

const seeded = { seed: 1, numRuns: 500 };

const at = (text: string) => Temporal.Instant.from(text);

const concert: Concert = {
  id: concertIdOf(7n),
  name: "Moonlight",
  artist: "The Larks",
  venue: "Old Mill",
  concertDate: at("2099-06-01T20:00:00Z"),
  totalTickets: 100,
  availableTickets: 0,
  heldTickets: 7,
  priceCents: 5025,
  currencyCode: "EUR",
  bookingStartTime: at("1969-12-31T23:59:59.999999Z"),
  bookingEndTime: at("2099-06-01T19:30:00.5Z"),
  version: 3,
  createdAt: at("2026-01-02T03:04:05.000006Z"),
  updatedAt: at("2026-01-02T03:04:06Z"),
  maxTicketsPerUser: 4,
  requiresPayment: true,
};

const booking: Booking = {
  id: bookingIdOf(9007199254740993n),
  concertId: concertIdOf(7n),
  userId: "nora",
  ticketCount: 3,
  requestedCount: 4,
  bookingTime: at("2026-01-02T03:04:05.000006Z"),
  status: "confirmed",
  holdExpiresTime: at("2026-01-02T03:14:05.000006Z"),
  paymentReference: "pi_1",
  unitPriceCents: 29,
  totalPriceCents: 87,
  currencyCode: "EUR",
  requestId: "3b8f2d4e-0d5b-4b32-9a55-2f3a8e0a7c11",
  cancelRequestId: undefined,
  createdAt: at("2026-01-02T03:04:05.000006Z"),
  updatedAt: at("2026-01-02T03:04:05.000006Z"),
};

test("a concert's message has every stored value", () => {
  const message = create(ConcertSchema, concertMessage(concert));
  expect(toJson(ConcertSchema, message, { useProtoFieldName: true, alwaysEmitImplicit: true })).toEqual({
    id: "7",
    name: "Moonlight",
    artist: "The Larks",
    venue: "Old Mill",
    concert_date: "2099-06-01T20:00:00Z",
    total_tickets: 100,
    available_tickets: 0,
    held_tickets: 7,
    price: 50.25,
    currency_code: "EUR",
    booking_start_time: "1969-12-31T23:59:59.999999Z",
    booking_end_time: "2099-06-01T19:30:00.500Z",
    version: 3,
    created_at: "2026-01-02T03:04:05.000006Z",
    updated_at: "2026-01-02T03:04:06Z",
    max_tickets_per_user: 4,
    requires_payment: true,
  });
});

test("a concert without a limit per user has the limit 0", () => {
  expect(concertMessage({ ...concert, maxTicketsPerUser: undefined })).toMatchObject({ maxTicketsPerUser: 0 });
});

test("a booking's message has every stored value but its keys", () => {
  const message = create(BookingSchema, bookingMessage(booking));
  expect(toJson(BookingSchema, message, { useProtoFieldName: true })).toEqual({
    id: "9007199254740993",
    concert_id: "7",
    user_id: "nora",
    ticket_count: 3,
    booking_time: "2026-01-02T03:04:05.000006Z",
    status: "BOOKING_STATUS_CONFIRMED",
    unit_price: 0.29,
    total_price: 0.87,
    currency_code: "EUR",
    created_at: "2026-01-02T03:04:05.000006Z",
    updated_at: "2026-01-02T03:04:05.000006Z",
    hold_expires_time: "2026-01-02T03:14:05.000006Z",
    payment_reference: "pi_1",
  });
});

test("a booking that was never a hold has no end and no payment", () => {
  const plain = { ...booking, holdExpiresTime: undefined, paymentReference: undefined };
  const message = create(BookingSchema, bookingMessage(plain));
  expect([message.holdExpiresTime, message.paymentReference]).toEqual([undefined, ""]);
});

test.each(["held", "confirmed", "cancelled", "expired", "released"] as const)(
  "a %s booking has its status",
  (status) => {
    const message = create(BookingSchema, bookingMessage({ ...booking, status }));
    expect(toJson(BookingSchema, message)).toMatchObject({ status: `BOOKING_STATUS_${status.toUpperCase()}` });
  },
);

describe("a timestamp", () => {
  test.each([
    ["1970-01-01T00:00:00Z", 0n, 0],
    ["1969-12-31T23:59:59.999999Z", -1n, 999_999_000],
    ["1969-12-31T23:59:59Z", -1n, 0],
    ["0001-01-01T00:00:00Z", -62_135_596_800n, 0],
    ["9999-12-31T23:59:59.999999Z", 253_402_300_799n, 999_999_000],
  ])("of %s is %d seconds and %d nanos", (text, seconds, nanos) => {
    expect(timestampMessage(at(text))).toMatchObject({ seconds, nanos });
  });

  test("is the same instant in ProtoJSON, from the year 1 to 9999", () => {
    const microseconds = fc.bigInt({ min: -62_135_596_800_000_000n, max: 253_402_300_799_999_999n });
    fc.assert(
      fc.property(microseconds, (value) => {
        const instant = Temporal.Instant.fromEpochNanoseconds(value * 1_000n);
        const message = timestampMessage(instant);
        expect(message.nanos).toBeGreaterThanOrEqual(0);
        expect(message.nanos).toBeLessThan(1_000_000_000);
        expect(at(toJson(TimestampSchema, message)).equals(instant)).toBe(true);
      }),
      seeded,
    );
  });
});
