import { describe, expect, test } from "vitest";
import { changed, decide, refused, replayed } from "../../test/support/booking/decide-stage.ts";
import {
  bookingRequest,
  confirmRequest,
  duringSale,
  exampleBooking,
  exampleConcert,
  exampleHold,
  holdRequest,
  releaseRequest,
} from "../../test/support/booking/example-bookings.ts";
import type { Booking } from "../domain/booking.ts";
import { bookingIdOf } from "../domain/ids.ts";
import type { ExpireCommand } from "./commands.ts";
import { maxDueHolds } from "./ledger.ts";

const microsecond = { microseconds: 1 };
const expire: ExpireCommand = { kind: "expire", concertId: exampleConcert.id };

/** Holds of one ticket each, by different users, that end at this instant. */
function holds(count: number, holdExpiresTime: Temporal.Instant): Booking[] {
  return Array.from({ length: count }, (_, index) => ({
    ...{ ...exampleHold, id: bookingIdOf(BigInt(index + 1)), userId: `user ${index}`, requestId: `hold ${index}` },
    ...{ ticketCount: 1, requestedCount: 1, holdExpiresTime },
  }));
}

describe("a batch begins by expiring the holds that are due", () => {
  test.each([
    { when: "at the batch's instant", holdExpiresTime: duringSale, available: 3, held: 0 },
    { when: "a microsecond before it", holdExpiresTime: duringSale.subtract(microsecond), available: 3, held: 0 },
    { when: "a microsecond after it", holdExpiresTime: duringSale.add(microsecond), available: 0, held: 3 },
  ])("that end $when", ({ holdExpiresTime, available, held }) => {
    const { effects } = decide([expire], { stored: holds(3, holdExpiresTime), availableTickets: 0 });
    expect(effects).toMatchObject({ availableTickets: available, heldTickets: held });
    expect(effects.updates.map(({ status }) => status)).toEqual(Array.from({ length: available }, () => "expired"));
  });

  test("and sells their tickets in the same batch", () => {
    const plan = decide([bookingRequest({ ticketCount: 3 })], { stored: holds(3, duringSale), availableTickets: 0 });
    expect(plan).toMatchObject({
      answers: [changed({ ticketCount: 3 })],
      effects: { availableTickets: 0, heldTickets: 0 },
    });
  });

  test("and writes each of them once, whatever the batch does with it", () => {
    const stored = [{ ...exampleHold, holdExpiresTime: duringSale }];
    const { effects } = decide([releaseRequest(), confirmRequest({ acceptLate: true })], { stored });
    expect(effects).toMatchObject({ updates: [{ status: "confirmed" }], availableTickets: 20, heldTickets: 0 });
    expect(effects.updates).toHaveLength(1);
  });

  test("and a repeated hold is answered as expired", () => {
    const stored = [{ ...exampleHold, holdExpiresTime: duringSale }];
    expect(decide([holdRequest()], { stored }).answers).toMatchObject([replayed({ status: "expired" })]);
  });
});

describe("with more holds due than one batch expires", () => {
  const many = { stored: holds(maxDueHolds + 1, duringSale), availableTickets: 0 };

  test("what lacks tickets is undecided", () => {
    const tooMany = bookingRequest({ userId: "zoe", ticketCount: maxDueHolds + 1 });
    const { answers, effects } = decide([tooMany, expire], { ...many, policy: { maxTicketsPerBooking: 1_000 } });
    expect(answers).toEqual([{ kind: "undecided" }, { kind: "undecided" }]);
    expect(effects).toMatchObject({ availableTickets: maxDueHolds, heldTickets: 1 });
  });

  test("a late confirmation without tickets is undecided", () => {
    const expired: Booking = { ...exampleHold, id: bookingIdOf(9_000n), status: "expired", ticketCount: 501 };
    const late = confirmRequest({ bookingId: 9_000n, acceptLate: true });
    const { answers } = decide([late], { ...many, stored: [...many.stored, expired] });
    expect(answers).toEqual([{ kind: "undecided" }]);
  });

  test("what needs no tickets, or gets them, is decided", () => {
    const { answers } = decide(
      [bookingRequest({ userId: "zoe", ticketCount: 11 }), bookingRequest({ userId: "zoe" })],
      many,
    );
    expect(answers).toMatchObject([refused("TICKET_LIMIT_EXCEEDED"), changed({ ticketCount: 2 })]);
  });

  test("a hold that was not read is due as well when a command names it", () => {
    const bookingId = BigInt(maxDueHolds + 1);
    const userId = `user ${maxDueHolds}`;
    const { answers, effects } = decide([confirmRequest({ bookingId, userId })], many);
    expect(answers).toMatchObject([refused("HOLD_EXPIRED", { available: maxDueHolds + 1 })]);
    expect(effects).toMatchObject({ availableTickets: maxDueHolds + 1, heldTickets: 0 });
  });
});

describe("the limit of a user", () => {
  const limited = { maxTicketsPerUser: 4 };
  const exceeded = (booked: number, held: number) => refused("USER_LIMIT_EXCEEDED", { limit: 4, booked, held });
  const more = (ticketCount: number) => bookingRequest({ requestId: `key ${ticketCount}`, ticketCount });

  test("counts what is booked and what is held", () => {
    const stored = [exampleBooking, { ...exampleHold, id: bookingIdOf(2n), requestId: "hold", ticketCount: 1 }];
    expect(decide([more(2)], { ...limited, stored }).answers).toEqual([exceeded(2, 1)]);
    expect(decide([more(1)], { ...limited, stored }).answers).toMatchObject([changed({ ticketCount: 1 })]);
  });

  test.each(["cancelled", "released", "expired"] as const)("does not count what is %s", (status) => {
    const cancelRequestId = status === "cancelled" ? "key" : undefined;
    const stored = [{ ...exampleHold, status, cancelRequestId, ticketCount: 4 }];
    expect(decide([more(4)], { ...limited, stored }).answers).toMatchObject([changed({ ticketCount: 4 })]);
  });

  test("does not count a hold that is due", () => {
    const stored = [{ ...exampleHold, holdExpiresTime: duringSale, ticketCount: 4 }];
    expect(decide([more(4)], { ...limited, stored }).answers).toMatchObject([changed({ ticketCount: 4 })]);
  });

  test("counts what the batch has booked before", () => {
    const { answers } = decide([more(3), more(2), more(1)], limited);
    expect(answers).toMatchObject([changed({ ticketCount: 3 }), exceeded(3, 0), changed({ ticketCount: 1 })]);
  });

  test("lets a user at the limit release and book in one batch", () => {
    const stored = [{ ...exampleHold, ticketCount: 4 }];
    const { answers } = decide([more(1), releaseRequest(), more(4)], { ...limited, stored });
    expect(answers).toMatchObject([exceeded(0, 4), changed({ status: "released" }), changed({ ticketCount: 4 })]);
  });

  test("counts what an organizer books, which it does not refuse, and then refuses the user", () => {
    const organizer = bookingRequest({ ticketCount: 10, isExempt: true, requestId: "organizer" });
    expect(decide([organizer, more(1)], limited).answers).toMatchObject([
      changed({ ticketCount: 10 }),
      exceeded(10, 0),
    ]);
  });

  test("is one limit for each user", () => {
    const { answers } = decide([more(4), bookingRequest({ userId: "ben", ticketCount: 4 })], limited);
    expect(answers).toMatchObject([changed({ userId: "ann" }), changed({ userId: "ben" })]);
  });
});

describe("the limit of holds", () => {
  const second = holdRequest({ requestId: "second" });
  const exceeded = refused("HOLD_LIMIT_EXCEEDED", { limit: 1 });

  test("refuses a second hold of the same user, stored or of the same batch", () => {
    expect(decide([second], { stored: [exampleHold] }).answers).toEqual([exceeded]);
    expect(decide([holdRequest(), second]).answers).toMatchObject([changed({ status: "held" }), exceeded]);
  });

  test("does not count a hold that is due, released or confirmed", () => {
    const due = { ...exampleHold, holdExpiresTime: duringSale };
    expect(decide([second], { stored: [due] }).answers).toMatchObject([changed({ status: "held" })]);
    for (const end of [releaseRequest(), confirmRequest()])
      expect(decide([end, second], { stored: [exampleHold] }).answers[1]).toMatchObject(changed({ status: "held" }));
  });

  test("does not refuse an organizer", () => {
    const organizer = holdRequest({ requestId: "second", isExempt: true });
    expect(decide([organizer], { stored: [exampleHold] }).answers).toMatchObject([changed({ status: "held" })]);
  });
});

describe("the next expiry", () => {
  const after = (minutes: number) => duringSale.add({ minutes });

  test.each([
    { what: "none without holds", stored: [], commands: [expire], expected: undefined },
    { what: "that of the earliest hold", stored: holds(2, after(3)), commands: [expire], expected: after(3) },
    { what: "that of a new hold", stored: holds(1, after(30)), commands: [holdRequest()], expected: after(10) },
  ])("is $what", ({ stored, commands, expected }) => {
    expect(decide(commands, { stored }).nextExpiry).toEqual(expected);
  });
});
