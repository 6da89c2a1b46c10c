import { describe, expect, test } from "vitest";
import type { Booking } from "../domain/booking.ts";
import type { Concert } from "../domain/concert.ts";
import { type BookingRequest, decideBooking, decideCancel } from "./decide.ts";

const opensAt = Temporal.Instant.from("2030-05-01T10:00:00Z");
const closesAt = Temporal.Instant.from("2030-05-01T10:20:00Z");
const duringSale = Temporal.Instant.from("2030-05-01T10:10:00Z");
const microseconds = (count: number) => ({ microseconds: count });
const policy = { maxTicketsPerBooking: 10 };

const concert: Concert = {
  id: 7n,
  name: "Winter Journey",
  artist: "The Lindens",
  venue: "Old Foundry",
  concertDate: Temporal.Instant.from("2030-06-01T20:00:00Z"),
  totalTickets: 100,
  availableTickets: 20,
  priceCents: 5_025,
  currencyCode: "USD",
  bookingStartTime: opensAt,
  bookingEndTime: closesAt,
  version: 1,
  createdAt: opensAt,
  updatedAt: opensAt,
};

const request: BookingRequest = { concertId: 7n, userId: "ann", ticketCount: 2, requestId: "key" };

const booking: Booking = {
  id: 1n,
  concertId: 7n,
  userId: "ann",
  ticketCount: 2,
  bookingTime: duringSale,
  status: "confirmed",
  unitPriceCents: 5_025,
  totalPriceCents: 10_050,
  currencyCode: "USD",
  requestId: "key",
  cancelRequestId: undefined,
  createdAt: duringSale,
  updatedAt: duringSale,
};

const cancelled: Booking = { ...booking, status: "cancelled", cancelRequestId: "cancel key" };

function decide({
  now = duringSale,
  earlier,
  ...facts
}: Partial<BookingRequest & Pick<Concert, "availableTickets">> & { now?: Temporal.Instant; earlier?: Booking } = {}) {
  const { availableTickets = concert.availableTickets, ...changes } = facts;
  return decideBooking({ ...request, ...changes }, { ...concert, availableTickets }, earlier, now, policy);
}

const notOpen = (now: Temporal.Instant) => ({
  kind: "refuse",
  failure: { reason: "BOOKING_NOT_OPEN", opensAt, closesAt, now },
});

describe("the window [start, end)", () => {
  test.each([
    { at: "exactly at the start", now: opensAt },
    { at: "a microsecond after the start", now: opensAt.add(microseconds(1)) },
    { at: "a microsecond before the end", now: closesAt.subtract(microseconds(1)) },
  ])("is open $at", ({ now }) => {
    expect(decide({ now })).toEqual({ kind: "accept" });
  });

  test.each([
    { at: "a microsecond before the start", now: opensAt.subtract(microseconds(1)) },
    { at: "exactly at the end", now: closesAt },
    { at: "a microsecond after the end", now: closesAt.add(microseconds(1)) },
    { at: "a year before", now: opensAt.subtract({ hours: 8_760 }) },
    { at: "a year after", now: closesAt.add({ hours: 8_760 }) },
  ])("is closed $at, and the refusal says when it is open and what time it is", ({ now }) => {
    expect(decide({ now })).toEqual(notOpen(now));
  });
});

describe("limit and stock", () => {
  test.each([
    { ticketCount: 1, availableTickets: 1 },
    { ticketCount: 10, availableTickets: 10 },
    { ticketCount: 10, availableTickets: 11 },
  ])("$ticketCount of $availableTickets can be booked", (facts) => {
    expect(decide(facts)).toEqual({ kind: "accept" });
  });

  test.each([
    { ticketCount: 1, availableTickets: 0 },
    { ticketCount: 10, availableTickets: 9 },
  ])("$ticketCount of $availableTickets cannot", (facts) => {
    const failure = { reason: "INSUFFICIENT_TICKETS", available: facts.availableTickets };
    expect(decide(facts)).toEqual({ kind: "refuse", failure });
  });

  test("one more than the limit cannot be booked", () => {
    const failure = { reason: "TICKET_LIMIT_EXCEEDED", limit: 10 };
    expect(decide({ ticketCount: 11 })).toEqual({ kind: "refuse", failure });
  });
});

describe("the order of checks: replay, window, limit, stock", () => {
  const late = { now: closesAt };

  test("window before limit and stock", () => {
    expect(decide({ ...late, ticketCount: 11, availableTickets: 0 })).toEqual(notOpen(closesAt));
  });

  test("limit before stock", () => {
    const failure = { reason: "TICKET_LIMIT_EXCEEDED", limit: 10 };
    expect(decide({ ticketCount: 11, availableTickets: 0 })).toEqual({ kind: "refuse", failure });
  });

  test.each([
    { state: "confirmed", earlier: booking },
    { state: "cancelled", earlier: cancelled },
  ])("a replay of a $state booking before everything", ({ earlier }) => {
    expect(decide({ ...late, availableTickets: 0, earlier })).toEqual({ kind: "replay", booking: earlier });
  });

  test("a replay of more tickets than the limit is now", () => {
    const earlier = { ...booking, ticketCount: 11 };
    expect(decide({ ticketCount: 11, earlier })).toEqual({ kind: "replay", booking: earlier });
  });

  test("a key with another count before everything", () => {
    const failure = { reason: "REQUEST_ID_REUSED" };
    expect(decide({ ...late, ticketCount: 3, earlier: booking })).toEqual({ kind: "refuse", failure });
  });
});

describe("cancelling", () => {
  const owner = { bookingId: 1n, userId: "ann", requestId: "cancel key" };
  const refused = (reason: string) => ({ kind: "refuse", failure: { reason, bookingId: 1n } });

  test.each([
    { case: "the owner's first", request: owner, of: booking, decision: { kind: "accept" } },
    { case: "the same again", request: owner, of: cancelled, decision: { kind: "replay", booking: cancelled } },
    {
      case: "another key",
      request: { ...owner, requestId: "other" },
      of: cancelled,
      decision: refused("ALREADY_CANCELLED"),
    },
    {
      case: "another user",
      request: { ...owner, userId: "mallory" },
      of: booking,
      decision: refused("NOT_BOOKING_OWNER"),
    },
    {
      case: "another user with the owner's key",
      request: { ...owner, userId: "mallory" },
      of: cancelled,
      decision: refused("NOT_BOOKING_OWNER"),
    },
    {
      case: "a user in other capitals",
      request: { ...owner, userId: "Ann" },
      of: booking,
      decision: refused("NOT_BOOKING_OWNER"),
    },
  ])("$case", ({ request, of, decision }) => {
    expect(decideCancel(request, of)).toEqual(decision);
  });
});
