import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { BookingStatus } from "../../gen/frontrow/v1/booking_pb.ts";
import { BookingService } from "../../gen/frontrow/v1/booking_service_pb.ts";
import type { Concert } from "../../gen/frontrow/v1/concert_pb.ts";
import { ConcertService } from "../../gen/frontrow/v1/concert_service_pb.ts";
import { succeeded, tally, verdict } from "../support/protocols/outcomes.ts";
import type { Outcome } from "../support/protocols/protocols.ts";
import { type Description, describeConcert } from "../support/service/stage.ts";
import { collector, hotConcertId, onlooker, soldOutConcertId } from "./load.ts";
import { moveToken, requestIdOf, type ScaleStage, uncached } from "./stage.ts";

const { getConcert, createConcert, updateConcert } = ConcertService.method;
const { bookTickets, cancelBooking, getBooking, getUserBookings } = BookingService.method;
const { holdTickets, confirmHold, releaseHold, extendHold, listConcertBookings } = BookingService.method;

/** The most pages that a call may look at, and one that is for a row or a short page. */
const most = 500;
const mostForFew = 60;
/** A change of a booking, which is in seven indexes, by statements that may be planned anew: that alone reads 20 to 30 pages. */
const mostForChange = 100;
/** A concert whose three texts have 750 trigrams, the most possible, costs two pages for each: an unrealistic write. */
const mostForLongestTexts = 1_500;
/** A page of a list that finds nothing: the rows that one call looks through, each on another page at worst. */
const mostForList = 1_100;
const callsAtOnce = 500;
/** No row has it. */
const absentId = 2n ** 62n;

let lastBookingId = 0;
/** A confirmed booking of the hot concert by the collector that no other call is about. */
const nextBookingId = () => (lastBookingId += 20);

/** No two letters in a row that other texts have: the most that the trigram indexes can be given. */
function longTexts(): Pick<Description, "name" | "artist" | "venue"> {
  const text = () => Array.from({ length: 7 }, randomUUID).join(" ").slice(0, 255);
  return { name: text(), artist: text(), venue: text() };
}

/** Defines tests of every call but lists of concerts. */
export function testCalls(stage: () => ScaleStage): void {
  const concert = (id: bigint) => stage().client.call(getConcert, { id }, uncached);
  const booking = (id: bigint) => stage().client.call(getBooking, { id });
  const bookingsOf = (userId: string, pageSize = 0, pageToken = "") =>
    stage().client.call(getUserBookings, { userId, pageSize, pageToken });
  const bookAs = (userId: string, concertId: bigint, requestId = "") =>
    stage().client.call(bookTickets, { concertId, userId, ticketCount: 1, requestId });
  /** By another than the collector, all of whose bookings are to be old. */
  const book = (concertId: bigint, requestId = "") => bookAs("nora", concertId, requestId);
  const bookAgain = (concertId: bigint, bookingId: number) => bookAs(collector, concertId, requestIdOf(bookingId));
  const cancel = (id: number, requestId = "", userId = collector) =>
    stage().client.call(cancelBooking, { id: BigInt(id), userId, requestId });
  const create = (requestId: string, change: Partial<Description> = {}) =>
    stage().client.call(createConcert, { ...describeConcert(change), requestId });
  const update = async (change: Partial<Description & Pick<Concert, "version">>) => {
    const { $typeName: _, availableTickets: __, createdAt: ___, ...now } = succeeded(await concert(300_000n));
    return stage().client.call(updateConcert, { ...now, ...change });
  };

  const hold = (userId: string = randomUUID()) =>
    stage().client.call(holdTickets, { concertId: hotConcertId, userId, ticketCount: 1 });
  const listed = (concertId: bigint, statuses: BookingStatus[] = []) =>
    stage().client.call(listConcertBookings, { concertId, statuses });

  /** Holds a ticket, and changes the hold by another call. */
  async function holdAnd(change: (hold: { id: bigint; userId: string }) => Promise<Outcome<unknown>>) {
    const { id, userId } = succeeded(await hold());
    return await change({ id, userId });
  }
  const holdAndConfirm = () => holdAnd((hold) => stage().client.call(confirmHold, hold));
  const holdAndRelease = () => holdAnd((hold) => stage().client.call(releaseHold, hold));
  const holdAndExtend = () => holdAnd((hold) => stage().client.call(extendHold, { ...hold, ttl: { seconds: 1_200n } }));

  async function deepBookings(): Promise<Outcome<unknown>> {
    const { nextPageToken } = succeeded(await bookingsOf(collector));
    return bookingsOf(collector, 0, moveToken(nextPageToken, "200000"));
  }

  test.for<readonly [what: string, call: () => Promise<Outcome<unknown>>, expected: string, bound: number]>([
    ["get a concert", () => concert(777_777n), "OK", mostForFew],
    ["get no concert", () => concert(absentId), "CONCERT_NOT_FOUND", mostForFew],
    ["get a booking", () => booking(777_777n), "OK", mostForFew],
    ["get no booking", () => booking(absentId), "BOOKING_NOT_FOUND", mostForFew],
    ["a user's only booking", () => bookingsOf(onlooker), "OK", mostForFew],
    ["the newest of a user's million bookings", () => bookingsOf(collector), "OK", mostForFew],
    ["a hundred of them", () => bookingsOf(collector, 100), "OK", most],
    ["page 40,000 of them", deepBookings, "OK", mostForFew],
    ["the bookings of a user without any", () => bookingsOf("stranger"), "OK", mostForFew],
    ["book", () => book(hotConcertId), "OK", mostForChange],
    ["book with a key", () => book(hotConcertId, randomUUID()), "OK", mostForChange],
    ["book again", () => bookAgain(hotConcertId, 1_000), "REPLAYED", mostForFew],
    ["book what is sold out", () => book(soldOutConcertId), "INSUFFICIENT_TICKETS", mostForFew],
    ["book it with a key", () => book(soldOutConcertId, randomUUID()), "INSUFFICIENT_TICKETS", mostForFew],
    ["book it again", () => bookAgain(soldOutConcertId, 1_001), "REPLAYED", mostForFew],
    ["book no concert", () => book(absentId), "CONCERT_NOT_FOUND", mostForFew],
    ["hold", () => hold(), "OK", mostForChange],
    ["hold, of a user with many bookings", () => hold(collector), "OK", mostForChange],
    ["hold and confirm", holdAndConfirm, "OK", 2 * mostForChange],
    ["hold and release", holdAndRelease, "OK", 2 * mostForChange],
    ["hold and extend", holdAndExtend, "OK", 2 * mostForChange],
    ["the bookings of a concert", () => listed(hotConcertId), "OK", most],
    ["the holds of a concert without any", () => listed(soldOutConcertId, [BookingStatus.HELD]), "OK", mostForList],
    ["cancel", () => cancel(nextBookingId()), "OK", mostForChange],
    ["cancel again", () => cancel(13, requestIdOf(-13)), "REPLAYED", mostForFew],
    ["cancel another's booking", () => cancel(nextBookingId(), "", onlooker), "NOT_BOOKING_OWNER", mostForFew],
    ["create a concert", () => create(""), "OK", most],
    ["create one of many letters", () => create("", longTexts()), "OK", mostForLongestTexts],
    ["create what another key did", () => create(requestIdOf(1)), "REQUEST_ID_REUSED", most],
    ["update a price", () => update({ price: 1.25 }), "OK", most],
    [
      "update everything",
      () => update(describeConcert({ ...longTexts(), totalTickets: 2_000_000 })),
      "OK",
      mostForLongestTexts,
    ],
    ["update another version", () => update({ version: 99 }), "VERSION_MISMATCH", most],
  ])("%s", async ([, call, expected, bound], { annotate }) => {
    const { answer, buffers, statements } = await stage().meter.measure(call);
    expect(verdict(answer)).toBe(expected);
    await annotate(`${buffers} buffers`);
    expect(buffers, statements.join("\n")).toBeGreaterThan(0);
    expect(buffers, statements.join("\n")).toBeLessThanOrEqual(bound);
  });

  test.for<readonly [what: string, call: () => Promise<Outcome<unknown>>, expected: string]>([
    ["new bookings", () => book(hotConcertId), "OK"],
    ["repeated bookings", () => bookAgain(hotConcertId, nextBookingId()), "REPLAYED"],
    ["repeated ones of what is sold out", () => bookAgain(soldOutConcertId, nextBookingId() + 1), "REPLAYED"],
    ["cancels", () => cancel(nextBookingId()), "OK"],
    ["holds", () => hold(), "OK"],
  ])("many %s at once", async ([, call, expected], { annotate }) => {
    const calls = () => Promise.all(Array.from({ length: callsAtOnce }, call));
    const { answer, buffers, statements } = await stage().meter.measure(calls);
    expect(tally(answer)).toEqual({ [expected]: callsAtOnce });
    await annotate(`${buffers / callsAtOnce} buffers each`);
    expect(buffers, statements.join("\n")).toBeLessThanOrEqual(callsAtOnce * mostForFew);
  });
}
