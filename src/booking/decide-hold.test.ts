import { describe, expect, test } from "vitest";
import { answer, changed, decide, type Facts, refused, replayed } from "../../test/support/booking/decide-stage.ts";
import {
  bookingRequest,
  cancelRequest,
  closesAt,
  confirmRequest,
  duringSale,
  exampleHold,
  extendRequest,
  holdRequest,
  releaseRequest,
} from "../../test/support/booking/example-bookings.ts";
import type { Booking } from "../domain/booking.ts";
import { bookingIdOf } from "../domain/ids.ts";

const microsecond = { microseconds: 1 };
const expiresAt = exampleHold.holdExpiresTime;
const id = exampleHold.id;
const paid: Booking = { ...exampleHold, status: "confirmed", paymentReference: "paid" };

/** The example in each state, at an instant at which it is in that state. The hold that is due is stored as held. */
const states = {
  held: { stored: exampleHold, now: duringSale },
  due: { stored: exampleHold, now: expiresAt },
  confirmed: { stored: paid, now: duringSale },
  cancelled: { stored: { ...paid, status: "cancelled", cancelRequestId: "cancel key" }, now: duringSale },
  released: { stored: { ...exampleHold, status: "released" }, now: duringSale },
  expired: { stored: { ...exampleHold, status: "expired" }, now: expiresAt },
} as const satisfies Record<string, { readonly stored: Booking; readonly now: Temporal.Instant }>;
type State = keyof typeof states;

const notHeld = (status: string) => refused("NOT_HELD", { bookingId: id, status });
const notConfirmed = (status: string) => refused("NOT_CONFIRMED", { bookingId: id, status });
const alreadyConfirmed = refused("ALREADY_CONFIRMED", { bookingId: id });
const alreadyCancelled = refused("ALREADY_CANCELLED", { bookingId: id });
const holdExpired = (available: number) => refused("HOLD_EXPIRED", { expiredAt: expiresAt, available });

const commands = {
  confirm: confirmRequest({ paymentReference: "paid" }),
  "confirm with another reference": confirmRequest({ paymentReference: "other" }),
  "confirm late": confirmRequest({ paymentReference: "paid", acceptLate: true }),
  release: releaseRequest(),
  extend: extendRequest(),
  cancel: cancelRequest(),
  "cancel with another key": cancelRequest({ requestId: "other" }),
};

/** What each command does in each state. The concert has 20 tickets beside the example's. */
const table: readonly [keyof typeof commands, State, object][] = [
  ["confirm", "held", changed({ status: "confirmed", paymentReference: "paid" })],
  ["confirm", "due", holdExpired(22)],
  ["confirm", "confirmed", replayed({ status: "confirmed" })],
  ["confirm", "cancelled", notHeld("cancelled")],
  ["confirm", "released", notHeld("released")],
  ["confirm", "expired", holdExpired(20)],
  ["confirm with another reference", "confirmed", alreadyConfirmed],
  ["confirm late", "held", changed({ status: "confirmed" })],
  ["confirm late", "due", changed({ status: "confirmed", paymentReference: "paid" })],
  ["confirm late", "confirmed", replayed({ status: "confirmed" })],
  ["confirm late", "cancelled", notHeld("cancelled")],
  ["confirm late", "released", notHeld("released")],
  ["confirm late", "expired", changed({ status: "confirmed", paymentReference: "paid" })],
  ["release", "held", changed({ status: "released" })],
  ["release", "due", replayed({ status: "expired" })],
  ["release", "confirmed", alreadyConfirmed],
  ["release", "cancelled", notHeld("cancelled")],
  ["release", "released", replayed({ status: "released" })],
  ["release", "expired", replayed({ status: "expired" })],
  ["extend", "held", changed({ status: "held", holdExpiresTime: duringSale.add({ minutes: 10 }) })],
  ["extend", "due", holdExpired(22)],
  ["extend", "confirmed", alreadyConfirmed],
  ["extend", "cancelled", notHeld("cancelled")],
  ["extend", "released", notHeld("released")],
  ["extend", "expired", holdExpired(20)],
  ["cancel", "held", notConfirmed("held")],
  ["cancel", "due", notConfirmed("expired")],
  ["cancel", "confirmed", changed({ status: "cancelled", cancelRequestId: "cancel key" })],
  ["cancel", "cancelled", replayed({ status: "cancelled" })],
  ["cancel with another key", "cancelled", alreadyCancelled],
  ["cancel", "released", notConfirmed("released")],
  ["cancel", "expired", notConfirmed("expired")],
];

describe("the state by the command", () => {
  test.each(table)("%s of a booking that is %s", (command, state, expected) => {
    const { stored, now } = states[state];
    expect(answer(commands[command], { stored: [stored], now })).toMatchObject(expected);
  });

  test.each(Object.keys(commands))("%s by another user is refused in every state", (command) => {
    const request = { ...commands[command as keyof typeof commands], userId: "mallory" };
    for (const { stored, now } of Object.values(states))
      expect(answer(request, { stored: [stored], now })).toEqual(refused("NOT_BOOKING_OWNER", { bookingId: id }));
  });
});

describe("holding", () => {
  test("takes the tickets off sale for the time that the request says", () => {
    const { answers, effects } = decide([holdRequest({ ttlMs: 1_000 })]);
    const holdExpiresTime = duringSale.add({ seconds: 1 });
    expect(answers).toMatchObject([changed({ status: "held", holdExpiresTime, requestedCount: 2, ticketCount: 2 })]);
    expect(effects).toMatchObject({ availableTickets: 18, heldTickets: 2 });
  });

  test.each([
    { what: "the policy's time if the request has none", ttlMs: undefined, minutes: 10 },
    { what: "at most its lifetime", ttlMs: 35 * 60_000, policy: { holdLifetimeMs: 20 * 60_000 }, minutes: 20 },
  ])("lives $what", ({ ttlMs, policy = {}, minutes }) => {
    const holdExpiresTime = duringSale.add({ minutes });
    expect(answer(holdRequest({ ttlMs }), { policy })).toMatchObject(changed({ holdExpiresTime }));
  });

  test("longer than the operator's maximum is refused", () => {
    const violations = [{ field: "ttl", message: "must be at most 2100s" }];
    expect(answer(holdRequest({ ttlMs: 2_100_001 }))).toEqual(refused("INVALID_REQUEST", { violations }));
    expect(answer(holdRequest({ ttlMs: 2_100_000 }))).toMatchObject(changed({ status: "held" }));
  });

  test("may end after the booking window, and is confirmed there", () => {
    const stored = { ...exampleHold, holdExpiresTime: closesAt.add({ minutes: 1 }) };
    expect(answer(confirmRequest(), { stored: [stored], now: closesAt })).toMatchObject(
      changed({ status: "confirmed" }),
    );
  });

  test.each([
    {
      what: "the same key, whatever the time to live",
      request: holdRequest({ ttlMs: 1 }),
      expected: replayed(exampleHold),
    },
    { what: "a booking with the key", request: bookingRequest(), expected: refused("REQUEST_ID_REUSED") },
    { what: "another count", request: holdRequest({ ticketCount: 1 }), expected: refused("REQUEST_ID_REUSED") },
  ])("is repeated by $what", ({ request, expected }) => {
    expect(answer(request, { stored: [exampleHold] })).toEqual(expected);
  });

  test("is repeated by what it asked for, whatever a confirmation has left of it", () => {
    const partly = { ...paid, ticketCount: 1 };
    expect(answer(holdRequest(), { stored: [partly] })).toEqual(replayed(partly));
    expect(answer(holdRequest({ ticketCount: 1 }), { stored: [partly] })).toEqual(refused("REQUEST_ID_REUSED"));
  });

  test("is possible where payment is required, and booking is not", () => {
    const facts = { requiresPayment: true };
    expect(answer(holdRequest(), facts)).toMatchObject(changed({ status: "held" }));
    expect(answer(bookingRequest(), facts)).toEqual(refused("PAYMENT_REQUIRED"));
  });
});

describe("confirming", () => {
  test("a part puts the rest back on sale in the same batch", () => {
    const stored = [{ ...exampleHold, ticketCount: 5, requestedCount: 5 }];
    const plan = decide([confirmRequest({ ticketCount: 2 }), bookingRequest({ requestId: "next", ticketCount: 3 })], {
      ...{ stored, availableTickets: 0 },
    });
    expect(plan.answers).toMatchObject([
      changed({ status: "confirmed", ticketCount: 2, requestedCount: 5, totalPriceCents: 10_050 }),
      changed({ status: "confirmed", ticketCount: 3 }),
    ]);
    expect(plan.effects).toMatchObject({ availableTickets: 0, heldTickets: 0 });
  });

  test("a part again is a replay, and all of them is not", () => {
    const stored = [{ ...paid, ticketCount: 1 }];
    const request = { paymentReference: "paid" };
    expect(answer(confirmRequest({ ...request, ticketCount: 1 }), { stored })).toMatchObject(
      replayed({ ticketCount: 1 }),
    );
    expect(answer(confirmRequest(request), { stored })).toEqual(alreadyConfirmed);
  });

  test("more than is held is refused", () => {
    const more = confirmRequest({ ticketCount: 3 });
    expect(answer(more, { stored: [exampleHold] })).toEqual(refused("MORE_THAN_HELD", { held: 2 }));
  });

  test("keeps the hold's price", () => {
    const stored = [{ ...exampleHold, unitPriceCents: 100, totalPriceCents: 200 }];
    expect(answer(confirmRequest(), { stored })).toMatchObject(changed({ unitPriceCents: 100, totalPriceCents: 200 }));
  });

  test.each([
    { what: "where payment is required", facts: { requiresPayment: true }, acceptLate: false },
    { what: "if it accepts to be late", facts: {}, acceptLate: true },
  ])("needs the scope $what", ({ facts, acceptLate }) => {
    const missing = refused("MISSING_SCOPE", { scope: "bookings:confirm" });
    const request = (hasConfirmScope: boolean) => confirmRequest({ acceptLate, hasConfirmScope });
    expect(answer(request(false), { ...facts, stored: [exampleHold] })).toEqual(missing);
    expect(answer(request(true), { ...facts, stored: [exampleHold] })).toMatchObject(changed({ status: "confirmed" }));
  });
});

describe("confirming late", () => {
  const expired: Booking = { ...exampleHold, status: "expired" };
  const late = confirmRequest({ acceptLate: true });
  const lastInstant = expiresAt.add({ hours: 24 });

  test("takes the tickets anew", () => {
    const { effects } = decide([late], { stored: [expired], now: lastInstant, availableTickets: 2 });
    expect(effects).toMatchObject({ availableTickets: 0, heldTickets: 0, updates: [{ id, status: "confirmed" }] });
  });

  test.each<{ what: string; facts: Facts; available: number }>([
    { what: "the tickets are gone", facts: { availableTickets: 1 }, available: 1 },
    { what: "it is too late", facts: { now: lastInstant.add(microsecond) }, available: 20 },
    { what: "the user has other tickets by now", facts: { maxTicketsPerUser: 1 }, available: 20 },
  ])("is refused if $what", ({ facts, available }) => {
    expect(answer(late, { stored: [expired], now: lastInstant, ...facts })).toEqual(holdExpired(available));
  });

  test("a part takes as many as there are", () => {
    const part = confirmRequest({ acceptLate: true, ticketCount: 1 });
    expect(decide([part], { stored: [expired], now: expiresAt, availableTickets: 1 }).effects).toMatchObject({
      availableTickets: 0,
      updates: [{ status: "confirmed", ticketCount: 1 }],
    });
  });
});

describe("extending", () => {
  const at = (minutes: number) => duringSale.add({ minutes });

  test.each([
    { what: "to an earlier end changes nothing", ttlMs: 60_000, expected: replayed(exampleHold) },
    { what: "to the same end changes nothing", ttlMs: 5 * 60_000, expected: replayed(exampleHold) },
    { what: "to a later end", ttlMs: 35 * 60_000, expected: changed({ holdExpiresTime: at(35) }) },
  ])("$what", ({ ttlMs, expected }) => {
    expect(answer(extendRequest({ ttlMs }), { stored: [exampleHold] })).toMatchObject(expected);
  });

  test("ends with the lifetime, which begins with the hold", () => {
    const stored = { ...exampleHold, createdAt: duringSale.subtract({ minutes: 50 }) };
    const request = extendRequest({ ttlMs: 35 * 60_000 });
    expect(answer(request, { stored: [stored] })).toMatchObject(changed({ holdExpiresTime: at(10) }));
  });

  test("by more than the operator's maximum is refused", () => {
    const tooLong = answer(extendRequest({ ttlMs: 2_100_001 }), { stored: [exampleHold] });
    expect(tooLong).toMatchObject(refused("INVALID_REQUEST", { violations: [{ field: "ttl" }] }));
  });
});

test("a hold that is released twice puts its tickets back once", () => {
  const { answers, effects } = decide([releaseRequest(), releaseRequest()], { stored: [exampleHold] });
  expect(answers).toMatchObject([changed({ status: "released" }), replayed({ status: "released" })]);
  expect(effects).toMatchObject({ availableTickets: 22, heldTickets: 0 });
});

test("a released hold that is released again puts nothing back", () => {
  const stored = [
    { ...exampleHold, status: "released" } as const,
    { ...exampleHold, id: bookingIdOf(2n), requestId: "b" },
  ];
  expect(decide([releaseRequest()], { stored }).effects).toMatchObject({
    availableTickets: 20,
    heldTickets: 2,
    updates: [],
  });
});

test("who acts on another's booking is recorded, with the booking before and after", () => {
  const actor = { subject: "admin", address: undefined };
  const { effects } = decide([releaseRequest({ actor, userId: undefined })], { stored: [exampleHold] });
  expect(effects.entries).toMatchObject([
    { action: "booking.release", actor, before: { status: "held" }, after: { status: "released" } },
  ]);
  expect(decide([releaseRequest()], { stored: [exampleHold] }).effects.entries).toEqual([]);
});
