import { describe, expect, test } from "vitest";
import { closesAt, duringSale, exampleConcert, opensAt } from "../../test/support/booking/example-bookings.ts";
import type { Concert } from "../domain/concert.ts";
import { concertIdOf } from "../domain/ids.ts";
import { createSoldOutCache } from "./sold-out-cache.ts";

const { id } = exampleConcert;
const microsecond = { microseconds: 1 };

/** A cache at the clock's 5,000 ms, and a concert without tickets noted in it. */
function remember(changes: Partial<Concert> = {}, now = duringSale, askedAtMs = 5_000, nextExpiry?: Temporal.Instant) {
  let nowMs = 5_000;
  const cache = createSoldOutCache({ nowMs: () => nowMs });
  const note = (more: Partial<Concert> = {}, noted = now) =>
    cache.note({
      concert: { ...exampleConcert, availableTickets: 0, ...changes, ...more },
      ...{ now: noted, nextExpiry, askedAtMs },
    });
  note();
  return {
    ...{ cache, note },
    /** Whether the cache has the concert so many milliseconds later. */
    isSoldOutAfter(ms: number): boolean {
      nowMs = 5_000 + ms;
      return cache.find(id) !== undefined;
    },
  };
}

test("an empty cache has no concert", () => {
  expect(createSoldOutCache({ nowMs: () => 0 }).find(id) !== undefined).toBe(false);
});

describe("a concert without tickets", () => {
  test.each([
    { ms: 0, isSoldOut: true },
    { ms: 999.999, isSoldOut: true },
    { ms: 1_000, isSoldOut: false },
    { ms: 100_000, isSoldOut: false },
  ])("is sold out after $ms ms: $isSoldOut", ({ ms, isSoldOut }) => {
    expect(remember().isSoldOutAfter(ms)).toBe(isSoldOut);
  });

  test("is cached for a second from the beginning of its read", () => {
    const { isSoldOutAfter } = remember({}, duringSale, 4_400);
    expect([isSoldOutAfter(399), isSoldOutAfter(400)]).toEqual([true, false]);
  });

  test("is not cached when its read took longer", () => {
    expect(remember({}, duringSale, 4_000).isSoldOutAfter(0)).toBe(false);
  });

  test("is no other concert", () => {
    expect(remember({ id: concertIdOf(8n) }).isSoldOutAfter(0)).toBe(false);
  });

  test("is forgotten, and noted again", () => {
    const { cache, note, isSoldOutAfter } = remember();
    cache.forget(concertIdOf(8n));
    expect(isSoldOutAfter(0)).toBe(true);
    cache.forget(id);
    expect(isSoldOutAfter(0)).toBe(false);
    note();
    expect(isSoldOutAfter(0)).toBe(true);
  });

  test("is forgotten when it has tickets again", () => {
    const { note, isSoldOutAfter } = remember();
    note({ availableTickets: 1 });
    expect(isSoldOutAfter(0)).toBe(false);
  });
});

describe("the booking window", () => {
  test.each([
    { at: "opens now", now: opensAt, isSoldOut: true },
    { at: "opens in a microsecond", now: opensAt.subtract(microsecond), isSoldOut: false },
    { at: "closes in two seconds", now: closesAt.subtract({ seconds: 2 }), isSoldOut: true },
    { at: "closes now", now: closesAt, isSoldOut: false },
    { at: "has closed", now: closesAt.add(microsecond), isSoldOut: false },
  ])("$at: sold out is $isSoldOut", ({ now, isSoldOut }) => {
    expect(remember({}, now).isSoldOutAfter(0)).toBe(isSoldOut);
  });

  test("ends the cache", () => {
    const { isSoldOutAfter } = remember({}, closesAt.subtract({ milliseconds: 300 }));
    expect([isSoldOutAfter(299), isSoldOutAfter(300)]).toEqual([true, false]);
  });

  test("that has moved ends an earlier cache", () => {
    const { note, isSoldOutAfter } = remember();
    note({ bookingStartTime: duringSale.add(microsecond) });
    expect(isSoldOutAfter(0)).toBe(false);
  });
});

describe("the next hold's end", () => {
  const endsIn = (ms: number) => duringSale.add({ milliseconds: ms });

  test("ends the cache", () => {
    const { isSoldOutAfter } = remember({}, duringSale, 5_000, endsIn(300));
    expect([isSoldOutAfter(299.999), isSoldOutAfter(300)]).toEqual([true, false]);
  });

  test("is counted from the beginning of the read", () => {
    const { isSoldOutAfter } = remember({}, duringSale, 4_900, endsIn(300));
    expect([isSoldOutAfter(199), isSoldOutAfter(200)]).toEqual([true, false]);
  });

  test("does not make the cache valid for longer than a second", () => {
    const { isSoldOutAfter } = remember({}, duringSale, 5_000, endsIn(60_000));
    expect([isSoldOutAfter(999), isSoldOutAfter(1_000)]).toEqual([true, false]);
  });

  test("that has come is not cached", () => {
    expect(remember({}, duringSale, 5_000, duringSale).isSoldOutAfter(0)).toBe(false);
  });
});

test("ten thousand concerts are cached, and of more the newest", () => {
  const cache = createSoldOutCache({ nowMs: () => 0 });
  const note = (concertId: bigint) =>
    cache.note({
      concert: { ...exampleConcert, id: concertIdOf(concertId), availableTickets: 0 },
      ...{ now: duringSale, nextExpiry: undefined, askedAtMs: 0 },
    });
  const has = (concertId: bigint) => cache.find(concertIdOf(concertId)) !== undefined;
  for (let concertId = 1n; concertId <= 10_000n; concertId++) note(concertId);
  note(1n);
  expect([1n, 2n, 10_000n].map(has)).toEqual([true, true, true]);
  note(10_001n);
  expect([1n, 2n, 3n, 10_000n, 10_001n].map(has)).toEqual([true, false, true, true, true]);
});
