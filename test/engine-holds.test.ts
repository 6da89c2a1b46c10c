/** Holds and limits per user on PostgreSQL: each command in each state, and what meets at one concert. */
import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { BookingCommand } from "../src/booking/commands.ts";
import type { Booking } from "../src/domain/booking.ts";
import { verdict } from "./support/booking/engine-stage.ts";
import { cancelRequest, confirmRequest, extendRequest, releaseRequest } from "./support/booking/example-bookings.ts";
import {
  bookingBy,
  granted,
  holdBy,
  insertConcert,
  openEngine,
  type StoreEngine,
} from "./support/booking/store-engines.ts";
import { createTestDatabase, type TestDatabase } from "./support/database/database.ts";
import { makeDue, ticketsOf } from "./support/database/holds.ts";
import { holdConcert } from "./support/database/locks.ts";
import { openDeadline } from "./support/database/store.ts";

let database: TestDatabase;
/** Two processes. */
let one: StoreEngine;
let other: StoreEngine;

beforeAll(async () => {
  database = await createTestDatabase();
  [one, other] = [openEngine(database), openEngine(database)];
});
afterEach(() => database.checkInvariants());
afterAll(async () => {
  await one?.[Symbol.asyncDispose]();
  await other?.[Symbol.asyncDispose]();
  await database?.drop();
});

const byOwner = ({ id, concertId, userId }: Booking) => {
  return { bookingId: id, concertId, userId, ownerId: userId, actor: { subject: userId, address: undefined } };
};

async function storedBooking({ id }: Pick<Booking, "id">) {
  const [row] = await database.query("SELECT * FROM bookings WHERE id = $1", [id]);
  return row;
}

/** Two of a concert's ten tickets, in each state. */
const states = {
  held: async (hold: Booking) => hold,
  due: async (hold: Booking) => {
    await makeDue(database, hold);
    return hold;
  },
  confirmed: (hold: Booking) => granted(one.submit(confirmRequest({ ...byOwner(hold), paymentReference: "paid" }))),
  cancelled: async (hold: Booking) =>
    granted(one.submit(cancelRequest({ ...byOwner(await states.confirmed(hold)), requestId: cancelKey }))),
  released: (hold: Booking) => granted(one.submit(releaseRequest(byOwner(hold)))),
  expired: async (hold: Booking) => {
    await makeDue(database, hold);
    await one.engine.expireHolds(hold.concertId, openDeadline());
    return hold;
  },
};
type State = keyof typeof states;

const cancelKey = randomUUID();
const commands = {
  confirm: (hold: Booking) => confirmRequest({ ...byOwner(hold), paymentReference: "paid" }),
  "confirm late": (hold: Booking) => confirmRequest({ ...byOwner(hold), paymentReference: "paid", acceptLate: true }),
  "confirm one of two": (hold: Booking) => confirmRequest({ ...byOwner(hold), ticketCount: 1 }),
  release: (hold: Booking) => releaseRequest(byOwner(hold)),
  extend: (hold: Booking) => extendRequest({ ...byOwner(hold), ttlMs: 20 * 60_000 }),
  cancel: (hold: Booking) => cancelRequest({ ...byOwner(hold), requestId: cancelKey }),
} satisfies Record<string, (hold: Booking) => BookingCommand>;

/** The command, the state before it, its answer, the status that is stored after it, and the available tickets. */
const table: readonly [keyof typeof commands, State, string, string, number][] = [
  ["confirm", "held", "OK", "confirmed", 8],
  ["confirm", "due", "HOLD_EXPIRED", "expired", 10],
  ["confirm", "confirmed", "REPLAYED", "confirmed", 8],
  ["confirm", "cancelled", "NOT_HELD", "cancelled", 10],
  ["confirm", "released", "NOT_HELD", "released", 10],
  ["confirm", "expired", "HOLD_EXPIRED", "expired", 10],
  ["confirm late", "held", "OK", "confirmed", 8],
  ["confirm late", "due", "OK", "confirmed", 8],
  ["confirm late", "expired", "OK", "confirmed", 8],
  ["confirm late", "released", "NOT_HELD", "released", 10],
  ["confirm one of two", "held", "OK", "confirmed", 9],
  ["confirm one of two", "confirmed", "ALREADY_CONFIRMED", "confirmed", 8],
  ["release", "held", "OK", "released", 10],
  ["release", "due", "REPLAYED", "expired", 10],
  ["release", "confirmed", "ALREADY_CONFIRMED", "confirmed", 8],
  ["release", "cancelled", "NOT_HELD", "cancelled", 10],
  ["release", "released", "REPLAYED", "released", 10],
  ["release", "expired", "REPLAYED", "expired", 10],
  ["extend", "held", "OK", "held", 8],
  ["extend", "due", "HOLD_EXPIRED", "expired", 10],
  ["extend", "confirmed", "ALREADY_CONFIRMED", "confirmed", 8],
  ["extend", "cancelled", "NOT_HELD", "cancelled", 10],
  ["extend", "released", "NOT_HELD", "released", 10],
  ["extend", "expired", "HOLD_EXPIRED", "expired", 10],
  ["cancel", "held", "NOT_CONFIRMED", "held", 8],
  ["cancel", "due", "NOT_CONFIRMED", "expired", 10],
  ["cancel", "confirmed", "OK", "cancelled", 10],
  ["cancel", "cancelled", "REPLAYED", "cancelled", 10],
  ["cancel", "released", "NOT_CONFIRMED", "released", 10],
  ["cancel", "expired", "NOT_CONFIRMED", "expired", 10],
];

test.each(table)("%s, %s: %s", async (command, state, expected, status, available) => {
  const concertId = await insertConcert(database, { total_tickets: 10 });
  const hold = await states[state](await granted(one.submit(holdBy("ann", { concertId }))));
  const answer = other.submit(commands[command](hold));
  expect(await verdict(answer)).toBe(expected);
  expect(await storedBooking(hold)).toMatchObject({ status });
  const held = status === "held" ? 2 : 0;
  expect(await ticketsOf(database, { id: concertId })).toEqual({ available, held });
});

test("the answers are what is stored: a hold that is extended, and confirmed in part", async () => {
  const concertId = await insertConcert(database, { total_tickets: 10 });
  const hold = await granted(one.submit(holdBy("ann", { concertId, ticketCount: 3, ttlMs: 1_000 })));
  const extended = await granted(one.submit(extendRequest({ ...byOwner(hold), ttlMs: 60_000 })));
  const part = confirmRequest({ ...byOwner(hold), ticketCount: 1, paymentReference: "paid" });
  const confirmed = await granted(one.submit(part));
  expect(extended.holdExpiresTime?.equals(extended.updatedAt.add({ seconds: 60 }))).toBe(true);
  expect(confirmed).toMatchObject({ ticketCount: 1, requestedCount: 3, totalPriceCents: 1_050 });
  expect(await one.store.batches.find(concertId, [hold])).toEqual([confirmed]);
  expect(hold.holdExpiresTime?.equals(hold.createdAt.add({ seconds: 1 }))).toBe(true);
});

test("a hold that is released twice in one batch puts its tickets back once", async () => {
  const concertId = await insertConcert(database, { total_tickets: 10 });
  const hold = await granted(one.submit(holdBy("ann", { concertId })));
  // With another hold, so that no CHECK stops a second release.
  await granted(one.submit(holdBy("dora", { concertId })));
  expect(await verdict(one.submit(bookingBy("ben", { concertId, ticketCount: 4 })))).toBe("OK");
  const held = await holdConcert(database, concertId);
  const commands = [bookingBy("cleo", { concertId }), releaseRequest(byOwner(hold)), releaseRequest(byOwner(hold))];
  const answers = commands.map((command) => verdict(one.submit(command)));
  await held.release();
  expect(await Promise.all(answers)).toEqual(["OK", "OK", "REPLAYED"]);
  expect(await ticketsOf(database, { id: concertId })).toEqual({ available: 2, held: 2 });
});

describe("one user", () => {
  test("has one hold at a time, and another after the end of the first", async () => {
    const concertId = await insertConcert(database);
    const hold = () => one.submit(holdBy("ann", { concertId }));
    const first = await granted(hold());
    expect(await verdict(hold())).toBe("HOLD_LIMIT_EXCEEDED");
    await makeDue(database, first);
    expect(await verdict(hold())).toBe("OK");
    expect(await storedBooking(first)).toMatchObject({ status: "expired" });
  });

  test("at the limit releases and books in one batch", async () => {
    const concertId = await insertConcert(database, { max_tickets_per_user: 4 });
    const hold = await granted(one.submit(holdBy("ann", { concertId, ticketCount: 4 })));
    const held = await holdConcert(database, concertId);
    const answers = [
      bookingBy("ben", { concertId }),
      bookingBy("ann", { concertId, ticketCount: 1 }),
      releaseRequest(byOwner(hold)),
      bookingBy("ann", { concertId, ticketCount: 4 }),
      bookingBy("ann", { concertId, ticketCount: 1 }),
    ].map((command) => verdict(one.submit(command)));
    await held.release();
    expect(await Promise.all(answers)).toEqual(["OK", "USER_LIMIT_EXCEEDED", "OK", "OK", "USER_LIMIT_EXCEEDED"]);
    const rows = await database.query("SELECT DISTINCT xmin FROM bookings WHERE user_id = 'ann' AND concert_id = $1", [
      concertId,
    ]);
    expect(rows).toHaveLength(1);
  });

  test("books 4 of 100 tickets at once in two processes under a limit of 4", async () => {
    const concertId = await insertConcert(database, { max_tickets_per_user: 4 });
    const answers = Array.from({ length: 100 }, (_, index) => {
      const { submit } = index % 2 === 0 ? one : other;
      return verdict(submit(bookingBy("ann", { concertId, ticketCount: 1 })));
    });
    const verdicts = await Promise.all(answers);
    expect(verdicts.filter((each) => each === "OK")).toHaveLength(4);
    expect(verdicts.filter((each) => each === "USER_LIMIT_EXCEEDED")).toHaveLength(96);
    expect(await ticketsOf(database, { id: concertId })).toEqual({ available: 996, held: 0 });
  });

  test("is refused more by a process that has seen the concert only before it had a limit", async () => {
    const concertId = await insertConcert(database);
    await granted(other.submit(bookingBy("ben", { concertId, ticketCount: 1 })));
    await database.query("UPDATE concerts SET max_tickets_per_user = 4 WHERE id = $1", [concertId]);
    await granted(one.submit(bookingBy("ann", { concertId, ticketCount: 4 })));
    expect(await verdict(other.submit(bookingBy("ann", { concertId, ticketCount: 1 })))).toBe("USER_LIMIT_EXCEEDED");
  });

  test("is not refused what an organizer books, and is refused more", async () => {
    const concertId = await insertConcert(database, { max_tickets_per_user: 4 });
    const organizer = { isExempt: true, actor: { subject: "admin", address: undefined } };
    const many = bookingBy("ann", { concertId, ticketCount: 9, ...organizer });
    expect(await verdict(one.submit(many))).toBe("OK");
    await expect(one.submit(bookingBy("ann", { concertId, ticketCount: 1 }))).rejects.toMatchObject({
      failure: { reason: "USER_LIMIT_EXCEEDED", limit: 4, booked: 9, held: 0 },
    });
  });
});

describe("a late confirmation", () => {
  async function expiredHold() {
    const concertId = await insertConcert(database, { total_tickets: 2 });
    const hold = await granted(one.submit(holdBy("ann", { concertId })));
    await makeDue(database, hold);
    // As if the time had passed: what the process has cached is over by then.
    one.engine.concertChanged(concertId);
    return { concertId, late: confirmRequest({ ...byOwner(hold), acceptLate: true }) };
  }

  test("takes tickets that are back", async () => {
    const { concertId, late } = await expiredHold();
    await one.engine.expireHolds(concertId, openDeadline());
    expect(await verdict(other.submit(late))).toBe("OK");
    expect(await verdict(one.submit(late))).toBe("REPLAYED");
    expect(await ticketsOf(database, { id: concertId })).toEqual({ available: 0, held: 0 });
  });

  test("is refused when the tickets are gone, with how many are left", async () => {
    const { concertId, late } = await expiredHold();
    expect(await verdict(one.submit(bookingBy("ben", { concertId, ticketCount: 1 })))).toBe("OK");
    await expect(other.submit(late)).rejects.toMatchObject({ failure: { reason: "HOLD_EXPIRED", available: 1 } });
  });

  test("and a rush share the tickets that are back, and no more", async () => {
    const { concertId, late } = await expiredHold();
    const answers = [other.submit(late), ...["ben", "cleo"].map((user) => one.submit(bookingBy(user, { concertId })))];
    const verdicts = await Promise.all(answers.map(verdict));
    expect(verdicts.filter((each) => each === "OK")).toHaveLength(1);
    expect(await ticketsOf(database, { id: concertId })).toEqual({ available: 0, held: 0 });
  });
});

test("a hold whose process has lost all its connections is confirmed by another process", async () => {
  const concertId = await insertConcert(database);
  await using lost = openEngine(database);
  const hold = await granted(lost.submit(holdBy("ann", { concertId })));
  await database.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = current_database() AND application_name = 'frontrow'`,
  );
  expect(await verdict(other.submit(confirmRequest(byOwner(hold))))).toBe("OK");
  expect(await verdict(lost.submit(confirmRequest(byOwner(hold))))).toBe("REPLAYED");
});
