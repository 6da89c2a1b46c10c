import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  availableIn,
  carryOut,
  type ReferenceAnswer,
  type ReferenceBooking,
  type ReferenceConcert,
} from "../../test/support/booking/booking-reference.ts";
import {
  bookingRequest,
  cancelRequest,
  closesAt,
  duringSale,
  exampleBooking,
  exampleConcert,
  opensAt,
  owner,
} from "../../test/support/booking/example-bookings.ts";
import { instants, limit, readFor, requests, storedBookings } from "../../test/support/booking/random-batches.ts";
import type { Booking } from "../domain/booking.ts";
import type { Concert } from "../domain/concert.ts";
import type { BookCommand, Command } from "./commands.ts";
import { type Answer, type BatchPlan, decideBatch } from "./decide.ts";

/** To repeat or to widen a run: `TEST_SEED=... vitest run src/booking/decide.test.ts`. */
const seed = Number(process.env.TEST_SEED ?? 20_300_501);
const microsecond = { microseconds: 1 };
const policy = { maxTicketsPerBooking: 10 };
const cancelled: Booking = { ...exampleBooking, status: "cancelled", cancelRequestId: "cancel key" };

interface Facts {
  readonly now?: Temporal.Instant;
  readonly availableTickets?: number;
  readonly stored?: readonly Booking[];
}

function decide(requests: readonly Command[], facts: Facts = {}): BatchPlan {
  const { now = duringSale, availableTickets = exampleConcert.availableTickets, stored = [] } = facts;
  return decideBatch(requests, { concert: { ...exampleConcert, availableTickets }, now, stored }, policy);
}

/** The answer to the only request of a batch. */
function answer(request: Command, facts?: Facts): Answer | undefined {
  return decide([request], facts).answers[0];
}

const accepted = { kind: "new", replayed: false };
const refused = (reason: string, metadata: object = {}) => ({ kind: "refused", failure: { reason, ...metadata } });
const notOpen = (now: Temporal.Instant) => refused("BOOKING_NOT_OPEN", { opensAt, closesAt, now });
const replayed = (booking: Booking) => ({ kind: "stored", booking, replayed: true });

describe("the window [start, end)", () => {
  test.each([
    { at: "exactly at the start", now: opensAt },
    { at: "a microsecond after the start", now: opensAt.add(microsecond) },
    { at: "a microsecond before the end", now: closesAt.subtract(microsecond) },
  ])("is open $at", ({ now }) => {
    expect(answer(bookingRequest(), { now })).toMatchObject(accepted);
  });

  test.each([
    { at: "a microsecond before the start", now: opensAt.subtract(microsecond) },
    { at: "exactly at the end", now: closesAt },
    { at: "a microsecond after the end", now: closesAt.add(microsecond) },
    { at: "a year before", now: opensAt.subtract({ hours: 8_760 }) },
    { at: "a year after", now: closesAt.add({ hours: 8_760 }) },
  ])("is closed $at, and the refusal has the window and the current instant", ({ now }) => {
    expect(answer(bookingRequest(), { now })).toEqual(notOpen(now));
  });

  test("does not apply to a cancel", () => {
    const plan = decide([cancelRequest()], { now: closesAt, stored: [exampleBooking] });
    expect(plan).toMatchObject({ availableTickets: 22, answers: [{ kind: "stored", replayed: false }] });
  });
});

describe("limit and stock", () => {
  test.each([
    { ticketCount: 1, availableTickets: 1 },
    { ticketCount: 10, availableTickets: 10 },
    { ticketCount: 10, availableTickets: 11 },
  ])("$ticketCount of $availableTickets can be booked", ({ ticketCount, availableTickets }) => {
    const plan = decide([bookingRequest({ ticketCount })], { availableTickets });
    expect(plan).toMatchObject({ answers: [accepted], availableTickets: availableTickets - ticketCount });
  });

  test.each([
    { ticketCount: 1, availableTickets: 0 },
    { ticketCount: 10, availableTickets: 9 },
  ])("$ticketCount of $availableTickets cannot", ({ ticketCount, availableTickets }) => {
    const insufficient = refused("INSUFFICIENT_TICKETS", { available: availableTickets });
    expect(answer(bookingRequest({ ticketCount }), { availableTickets })).toEqual(insufficient);
  });

  test("one more than the limit cannot be booked", () => {
    expect(answer(bookingRequest({ ticketCount: 11 }))).toEqual(refused("TICKET_LIMIT_EXCEEDED", { limit: 10 }));
  });
});

describe("the order of checks: replay, window, limit, stock", () => {
  const late = { now: closesAt, availableTickets: 0 };

  test("window before limit and stock", () => {
    expect(answer(bookingRequest({ ticketCount: 11 }), late)).toEqual(notOpen(closesAt));
  });

  test("limit before stock", () => {
    const tooMany = answer(bookingRequest({ ticketCount: 11 }), { availableTickets: 0 });
    expect(tooMany).toEqual(refused("TICKET_LIMIT_EXCEEDED", { limit: 10 }));
  });

  test.each([
    { state: "confirmed", earlier: exampleBooking },
    { state: "cancelled", earlier: cancelled },
  ])("a replay of a $state booking before everything", ({ earlier }) => {
    expect(answer(bookingRequest(), { ...late, stored: [earlier] })).toEqual(replayed(earlier));
  });

  test("a replay of more tickets than the limit is now", () => {
    const earlier = { ...exampleBooking, ticketCount: 11 };
    expect(answer(bookingRequest({ ticketCount: 11 }), { stored: [earlier] })).toEqual(replayed(earlier));
  });

  test("a key with another count before everything", () => {
    const reused = answer(bookingRequest({ ticketCount: 3 }), { ...late, stored: [exampleBooking] });
    expect(reused).toEqual(refused("REQUEST_ID_REUSED"));
  });
});

describe("cancelling", () => {
  const gone = { bookingId: exampleBooking.id };

  test("the owner's first cancel puts the tickets back", () => {
    const after = { ...cancelled, updatedAt: closesAt };
    expect(decide([cancelRequest()], { now: closesAt, stored: [exampleBooking] })).toEqual({
      answers: [{ kind: "stored", booking: after, replayed: false }],
      newBookings: [],
      cancelled: [{ before: exampleBooking, after, actor: owner }],
      availableTickets: 22,
    });
  });

  test.each([
    { case: "the same again", request: cancelRequest(), of: cancelled, expected: replayed(cancelled) },
    {
      case: "another key",
      request: cancelRequest({ requestId: "other" }),
      of: cancelled,
      expected: refused("ALREADY_CANCELLED", gone),
    },
    {
      case: "another user",
      request: cancelRequest({ userId: "mallory" }),
      of: exampleBooking,
      expected: refused("NOT_BOOKING_OWNER", gone),
    },
    {
      case: "another user with the owner's key",
      request: cancelRequest({ userId: "mallory" }),
      of: cancelled,
      expected: refused("NOT_BOOKING_OWNER", gone),
    },
    {
      case: "a user in other capitals",
      request: cancelRequest({ userId: "Ann" }),
      of: exampleBooking,
      expected: refused("NOT_BOOKING_OWNER", gone),
    },
  ])("$case", ({ request, of, expected }) => {
    expect(decide([request], { stored: [of] })).toEqual({
      answers: [expected],
      newBookings: [],
      cancelled: [],
      availableTickets: exampleConcert.availableTickets,
    });
  });

  test("a booking that is not stored is BOOKING_NOT_FOUND", () => {
    expect(answer(cancelRequest())).toEqual(refused("BOOKING_NOT_FOUND", gone));
  });
});

describe("within a batch", () => {
  test("rejects a request for 4 when fewer are left and still books the next request for 1", () => {
    const requests = [3, 4, 1, 1].map((ticketCount, at) => bookingRequest({ ticketCount, requestId: `key ${at}` }));
    const plan = decide(requests, { availableTickets: 4 });
    const insufficient = (available: number) => refused("INSUFFICIENT_TICKETS", { available });
    expect(plan.answers).toMatchObject([accepted, insufficient(1), accepted, insufficient(0)]);
    expect(plan).toMatchObject({ newBookings: [requests[0], requests[2]], availableTickets: 0 });
  });

  test("makes one booking of a key that is sent twice", () => {
    const requests = [bookingRequest(), bookingRequest(), bookingRequest({ ticketCount: 3 })];
    const plan = decide(requests);
    expect(plan.answers).toMatchObject([accepted, { ...accepted, replayed: true }, refused("REQUEST_ID_REUSED")]);
    expect(plan).toMatchObject({ newBookings: [bookingRequest()], availableTickets: 18 });
  });

  test("the same key of two users makes two bookings", () => {
    const plan = decide([bookingRequest(), bookingRequest({ userId: "ben" })]);
    expect(plan.answers).toMatchObject([accepted, accepted]);
  });

  test("cancels a booking once", () => {
    const plan = decide([cancelRequest(), cancelRequest({ requestId: "other" }), cancelRequest()], {
      stored: [exampleBooking],
    });
    expect(plan.answers).toMatchObject([
      { kind: "stored", replayed: false },
      refused("ALREADY_CANCELLED"),
      { kind: "stored", replayed: true },
    ]);
    expect(plan).toMatchObject({ cancelled: [{ after: { id: 1n } }], availableTickets: 22 });
  });

  test("tickets of a cancel go to the requests after it", () => {
    const requests = [bookingRequest({ requestId: "first" }), cancelRequest(), bookingRequest({ requestId: "second" })];
    const plan = decide(requests, { availableTickets: 1, stored: [exampleBooking] });
    expect(plan.answers).toMatchObject([refused("INSUFFICIENT_TICKETS", { available: 1 }), {}, accepted]);
    expect(plan.availableTickets).toBe(1);
  });

  test("a replay returns the booking as the requests before it leave it", () => {
    const plan = decide([bookingRequest(), cancelRequest(), bookingRequest()], { stored: [exampleBooking] });
    expect(plan.answers).toMatchObject([
      { booking: { status: "confirmed" }, replayed: true },
      { booking: { status: "cancelled" }, replayed: false },
      { booking: { status: "cancelled" }, replayed: true },
    ]);
    expect(plan.newBookings).toEqual([]);
  });
});

function inWords({ id, userId, requestId, ticketCount, status, cancelRequestId }: Booking): ReferenceBooking {
  return { id, userId, requestId, ticketCount, status, cancelRequestId };
}

function newInWords({ userId, requestId, ticketCount }: BookCommand): ReferenceBooking {
  return { id: undefined, userId, requestId, ticketCount, status: "confirmed", cancelRequestId: undefined };
}

/** A plan's answer to a request in the reference's words. */
function answerInWords(answer: Answer, request: Command): ReferenceAnswer {
  if (answer.kind === "refused") return { failure: answer.failure };
  if (answer.kind === "stored") return { booking: inWords(answer.booking), replayed: answer.replayed };
  if (request.kind !== "book") throw new Error("only bookings are new");
  return { booking: newInWords(request), replayed: answer.replayed };
}

/** The actors by a plan, with the booking and the key of each. */
function doersIn({ newBookings, cancelled }: BatchPlan): string[] {
  const booked = newBookings.map(({ userId, requestId, actor }) => `books ${userId} ${requestId}: ${actor.subject}`);
  const cancels = cancelled.map(({ after, actor }) => `cancels ${after.id} ${after.cancelRequestId}: ${actor.subject}`);
  return [...booked, ...cancels].sort();
}

/** The actors by the answers: of each request that is answered as done now, and not as done before. */
function doersOf(batch: readonly Command[], answers: readonly Answer[]): string[] {
  const doers = batch.filter((_, at) => {
    const answer = answers[at];
    return answer !== undefined && answer.kind !== "refused" && !answer.replayed;
  });
  return doers
    .map((request) => {
      const what = request.kind === "book" ? `books ${request.userId}` : `cancels ${request.bookingId}`;
      return `${what} ${request.requestId}: ${request.actor.subject}`;
    })
    .sort();
}

test(`a batch is decided as its requests would be one by one (seed ${seed})`, { timeout: 60_000 }, () => {
  const check = (batch: Command[], stored: Booking[], left: number, now: Temporal.Instant) => {
    const sold = stored.reduce((sum, each) => sum + (each.status === "confirmed" ? each.ticketCount : 0), 0);
    const bookings = stored.map(inWords);
    let reference: ReferenceConcert = { totalTickets: sold + left, opensAt, closesAt, bookings };
    const expected = batch.map((request) => {
      const step = carryOut(reference, request, now, limit);
      reference = step.concert;
      return step.answer;
    });
    const concert: Concert = { ...exampleConcert, totalTickets: sold + left, availableTickets: left };
    const plan = decideBatch(batch, { concert, now, stored: readFor(batch, stored) }, { maxTicketsPerBooking: limit });
    expect(plan.answers.map((each, at) => answerInWords(each, batch[at] as Command))).toEqual(expected);
    const after = stored.map((booking) => plan.cancelled.find(({ before }) => before === booking)?.after ?? booking);
    expect([...after.map(inWords), ...plan.newBookings.map(newInWords)]).toEqual(reference.bookings);
    expect(plan.availableTickets).toBe(availableIn(reference));
    expect(doersIn(plan)).toEqual(doersOf(batch, plan.answers));
  };
  const left = fc.integer({ min: 0, max: 10 });
  fc.assert(fc.property(requests, storedBookings, left, instants, check), { seed, numRuns: 2_000 });
});
