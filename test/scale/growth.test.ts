/** Statements that PostgreSQL planned for almost empty tables read no more pages once the tables have grown. */
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BookingService } from "../../gen/frontrow/v1/booking_service_pb.ts";
import { ConcertService } from "../../gen/frontrow/v1/concert_service_pb.ts";
import { succeeded, tally } from "../support/protocols/outcomes.ts";
import type { Outcome } from "../support/protocols/protocols.ts";
import { createConcert } from "../support/service/stage.ts";
import { collector, hotConcertId, insertBookings, insertConcerts, soldOutConcertId } from "./load.ts";
import { openScaleStage, requestIdOf, type ScaleStage, uncached } from "./stage.ts";

const { bookTickets, cancelBooking, holdTickets, confirmHold, releaseHold } = BookingService.method;
const userId = "nora";
/** After five runs of a statement PostgreSQL may keep a generic plan. */
const rounds = 8;
const concerts = { from: 1_001, to: 100_000 };
const bookings = { from: 1_001, to: 1_200_000 };
const callsAtOnce = 500;
/** For a call that changes nothing, and for each of many changes in one batch. */
const mostForFew = 60;
/**
 * A hold is in seven indexes of bookings. If PostgreSQL plans statements anew for the call, it reads pages of each of them for
 * that alone: 20 to 30 in all. The service's search for holds that are due may come between.
 */
const mostForOne = 100;
const busyMs = 1_000;

let stage: ScaleStage;
beforeAll(async () => {
  // One connection, so that it is the one whose plans are old.
  stage = await openScaleStage({ APP_DATABASE_POOL_SIZE: "1" }, async (session) => {
    // Nothing that is called here uses them, and they take long to fill.
    for (const column of ["name", "artist", "venue"]) await session.query(`DROP INDEX concerts_${column}_trgm_idx`);
  });
  expect((await createConcert(stage.client, { totalTickets: 1_000_000 })).id).toBe(hotConcertId);
  expect((await createConcert(stage.client, { totalTickets: 1 })).id).toBe(soldOutConcertId);
  await callAll();
  // Now statistics say how small the tables are, and plans are made anew.
  await stage.session.query("VACUUM ANALYZE concerts, bookings");
  await callAll();
  const sessions = await serviceSessions();
  const stop = keepBusy();
  await insertConcerts(stage.session, concerts);
  await insertBookings(stage.session, bookings, concerts.to);
  await stop();
  expect(await serviceSessions(), "the service keeps its connections").toEqual(sessions);
}, 300_000);
afterAll(async () => await stage?.close());

const book = (concertId: bigint, requestId: string = randomUUID(), user = collector) =>
  stage.client.call(bookTickets, { concertId, userId: user, ticketCount: 1, requestId });
const hold = (user: string = randomUUID()) =>
  stage.client.call(holdTickets, { concertId: hotConcertId, userId: user, ticketCount: 1 });
/** Holds a ticket, and ends the hold by another call. */
async function holdAnd(end: typeof confirmHold | typeof releaseHold): Promise<Outcome<unknown>> {
  const { id, userId: user } = succeeded(await hold());
  return await stage.client.call(end, { id, userId: user });
}
const cancel = (id: bigint, requestId: string, user = collector) =>
  stage.client.call(cancelBooking, { id, userId: user, requestId });

/** Runs every statement so often that PostgreSQL keeps a plan: first without the lock, then under it. */
async function callAll(): Promise<void> {
  for (let round = 0; round < rounds; round++) await book(soldOutConcertId, randomUUID(), userId);
  for (let round = 0; round < rounds; round++) {
    const requestId = randomUUID();
    const { id } = succeeded(await book(hotConcertId, requestId, userId));
    succeeded(await book(hotConcertId, requestId, userId));
    for (const _ of ["cancels it", "and again"]) succeeded(await cancel(id, requestId, userId));
    for (const end of [confirmHold, releaseHold]) succeeded(await holdAnd(end));
  }
}

/** The service's connections. */
function serviceSessions(): Promise<{ pid: number }[]> {
  return stage.database.query(
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'frontrow' ORDER BY pid",
  );
}

/** Calls now and then so that the service keeps its connection, with a statement that is not under test. */
function keepBusy(): () => Promise<void> {
  const stopped = new AbortController();
  const { signal } = stopped;
  const calls = (async () => {
    while (!signal.aborted) {
      await stage.client.call(ConcertService.method.getConcert, { id: hotConcertId }, uncached);
      await delay(busyMs, undefined, { signal }).catch(() => {});
    }
  })();
  return () => {
    stopped.abort();
    return calls;
  };
}

/** A confirmed booking of the hot concert by the collector. */
const bookingId = 4_000;

test.for<readonly [what: string, call: () => Promise<Outcome<unknown>>, expected: string]>([
  ["a booking", () => book(hotConcertId), "OK"],
  ["a repeated booking", () => book(hotConcertId, requestIdOf(bookingId)), "REPLAYED"],
  ["a booking of what is sold out", () => book(soldOutConcertId), "INSUFFICIENT_TICKETS"],
  ["another one", () => book(soldOutConcertId), "INSUFFICIENT_TICKETS"],
  ["a repeated one", () => book(soldOutConcertId, requestIdOf(bookingId + 1)), "REPLAYED"],
  ["a hold", () => hold(), "OK"],
  ["a hold and its confirmation", () => holdAnd(confirmHold), "OK"],
  ["a hold and its release", () => holdAnd(releaseHold), "OK"],
  ["a cancel", () => cancel(BigInt(bookingId), requestIdOf(-1)), "OK"],
  ["a repeated cancel", () => cancel(BigInt(bookingId), requestIdOf(-1)), "REPLAYED"],
])("%s", async ([what, call, expected], { annotate }) => {
  for (const times of what.includes("cancel") || what.includes(" and its ") ? [1] : [1, callsAtOnce]) {
    const calls = () => Promise.all(Array.from({ length: times }, call));
    const { answer, buffers, statements } = await stage.meter.measure(calls);
    expect(tally(answer)).toEqual({ [expected]: times });
    await annotate(`${buffers / times} buffers${times > 1 ? " each at once" : ""}`);
    const most = times > 1 || expected !== "OK" ? mostForFew : mostForOne;
    const changes = what.includes(" and its ") ? 2 : 1;
    expect(buffers / times, statements.join("\n")).toBeLessThanOrEqual(changes * most);
  }
});
