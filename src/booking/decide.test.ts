import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  answerInWords,
  answerText,
  brokenInvariant,
  carryOutBatch,
  usersOverLimit,
  whyNotRecorded,
  whyNotStored,
} from "../../test/support/booking/batch-check.ts";
import { answer, decide, decideOn, refused, replayed } from "../../test/support/booking/decide-stage.ts";
import {
  bookingRequest,
  cancelRequest,
  closesAt,
  exampleBooking,
  opensAt,
} from "../../test/support/booking/example-bookings.ts";
import { writeRows } from "../../test/support/booking/fake-rows.ts";
import { type RandomBatch, randomBatches, smallPolicy } from "../../test/support/booking/random-batches.ts";
import type { Booking } from "../domain/booking.ts";
import type { BatchPlan } from "./decide.ts";

/** To repeat or to widen a run: `TEST_SEED=... TEST_RUNS=... vitest run src/booking/decide.test.ts`. */
const seed = Number(process.env.TEST_SEED ?? 20_300_501);
const numRuns = Number(process.env.TEST_RUNS ?? 4_000);
const microsecond = { microseconds: 1 };
const cancelled: Booking = { ...exampleBooking, status: "cancelled", cancelRequestId: "cancel key" };
const accepted = { kind: "booking", booking: { status: "confirmed" }, replayed: false };
const notOpen = (now: Temporal.Instant) => refused("BOOKING_NOT_OPEN", { opensAt, closesAt, now });
const insertedKeys = ({ effects }: BatchPlan) => effects.inserts.map(({ booking }) => booking.requestId);

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
    expect(plan).toMatchObject({ effects: { availableTickets: 22 }, answers: [{ kind: "booking", replayed: false }] });
  });
});

describe("limit and stock", () => {
  test.each([
    { ticketCount: 1, availableTickets: 1 },
    { ticketCount: 10, availableTickets: 10 },
    { ticketCount: 10, availableTickets: 11 },
  ])("$ticketCount of $availableTickets can be booked", ({ ticketCount, availableTickets }) => {
    const plan = decide([bookingRequest({ ticketCount })], { availableTickets });
    expect(plan).toMatchObject({ answers: [accepted], effects: { availableTickets: availableTickets - ticketCount } });
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
    const earlier = { ...exampleBooking, ticketCount: 11, requestedCount: 11 };
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
    const { answers, effects } = decide([cancelRequest()], { now: closesAt, stored: [exampleBooking] });
    expect(answers).toEqual([{ kind: "booking", booking: after, replayed: false }]);
    const update = { id: 1n, status: "cancelled", cancelRequestId: "cancel key", cancelledBy: "ann" };
    expect(effects).toMatchObject({
      inserts: [],
      updates: [update],
      entries: [],
      availableTickets: 22,
      heldTickets: 0,
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
    const { answers, effects } = decide([request], { stored: [of] });
    expect(answers).toEqual([expected]);
    expect(effects).toEqual({ availableTickets: 20, heldTickets: 0, inserts: [], updates: [], entries: [] });
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
    expect(insertedKeys(plan)).toEqual(["key 0", "key 2"]);
    expect(plan.effects.availableTickets).toBe(0);
  });

  test("makes one booking of a key that is sent twice", () => {
    const requests = [bookingRequest(), bookingRequest(), bookingRequest({ ticketCount: 3 })];
    const plan = decide(requests);
    expect(plan.answers).toMatchObject([accepted, replayed({ requestId: "key" }), refused("REQUEST_ID_REUSED")]);
    expect(insertedKeys(plan)).toEqual(["key"]);
    expect(plan.effects.availableTickets).toBe(18);
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
      { kind: "booking", replayed: false },
      refused("ALREADY_CANCELLED"),
      { kind: "booking", replayed: true },
    ]);
    expect(plan.effects).toMatchObject({ updates: [{ id: 1n, status: "cancelled" }], availableTickets: 22 });
  });

  test("tickets of a cancel go to the requests after it", () => {
    const requests = [bookingRequest({ requestId: "first" }), cancelRequest(), bookingRequest({ requestId: "second" })];
    const plan = decide(requests, { availableTickets: 1, stored: [exampleBooking] });
    expect(plan.answers).toMatchObject([refused("INSUFFICIENT_TICKETS", { available: 1 }), {}, accepted]);
    expect(plan.effects.availableTickets).toBe(1);
  });

  test("a replay returns the booking as the requests before it leave it", () => {
    const plan = decide([bookingRequest(), cancelRequest(), bookingRequest()], { stored: [exampleBooking] });
    expect(plan.answers).toMatchObject([
      { booking: { status: "confirmed" }, replayed: true },
      { booking: { status: "cancelled" }, replayed: false },
      { booking: { status: "cancelled" }, replayed: true },
    ]);
    expect(insertedKeys(plan)).toEqual([]);
  });
});

test(`a batch is decided as its commands would be one by one (seed ${seed})`, { timeout: 60_000 }, () => {
  const check = ({ rows, commands, now }: RandomBatch) => {
    const model = carryOutBatch(rows, commands, now, smallPolicy);
    const { answers, effects, nextExpiry } = decideOn(rows, commands, now, smallPolicy);
    const answersInText = answers.map((each) => answerText(answerInWords(each)));
    expect(answersInText).toEqual(model.steps.map((step) => answerText(step.answer)));
    const after = writeRows(rows, effects, now);
    expect(commands.length === 0 ? undefined : whyNotStored(model, after)).toBeUndefined();
    expect(whyNotRecorded(model, effects)).toBeUndefined();
    expect(brokenInvariant(after)).toBeUndefined();
    expect(usersOverLimit(rows, after, commands)).toEqual([]);
    const held = after.bookings.filter(({ status }) => status === "held");
    const expiries = held.map(({ holdExpiresTime }) => holdExpiresTime?.epochNanoseconds ?? 0n);
    // It may be too early, by a hold that ended in the batch, but never too late.
    for (const expiry of expiries) expect((nextExpiry?.epochNanoseconds ?? 2n ** 63n) <= expiry).toBe(true);
  };
  fc.assert(fc.property(randomBatches, check), { seed, numRuns });
});
