/** Page tokens that no list has returned, and filters that look like patterns. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodePageToken, type ListIdentity } from "../src/rpc/page-token.ts";
import { createJsonCaller, type JsonAnswer, type JsonCaller, jsonProtocols } from "./support/protocols/json-calls.ts";
import type { JsonObject } from "./support/scenario/scenario.ts";
import { moonlightJson } from "./support/service/stage.ts";
import { type Subject, startSubject } from "./support/service/subject.ts";

const listConcerts = "ConcertService.ListConcerts";
const getUserBookings = "BookingService.GetUserBookings";
const refused = { ok: false, code: "INVALID_ARGUMENT", reason: "INVALID_PAGE_TOKEN", violations: [] };

const names = ["100% Jazz", "100x Jazz", "a_b_c", "aXbXc", "C:\\jazz", "C:jazz", "It's", 'A "Q"', "ÉTÉ indien"];

let subject: Subject;
let caller: JsonCaller;
/** The token of the second page of all concerts, and of all of nora's bookings. */
let concertToken: string;
let bookingToken: string;

beforeAll(async () => {
  subject = await startSubject();
  caller = createJsonCaller(subject.baseUrl);
  for (const name of names) await caller.call("REST", "ConcertService.CreateConcert", { ...moonlightJson, name });
  await caller.call("REST", "BookingService.BookTickets", subject.requests["BookingService.BookTickets"] ?? {});
  concertToken = tokenOf(await caller.call("REST", listConcerts, { page_size: 2 }));
  bookingToken = tokenOf(await caller.call("REST", getUserBookings, { user_id: "nora", page_size: 1 }));
});
afterAll(async () => {
  caller?.close();
  await subject?.close();
});

function tokenOf(answer: JsonAnswer): string {
  const token = answer.ok ? answer.body.next_page_token : "";
  if (typeof token !== "string" || token === "") throw new Error(`no next page: ${JSON.stringify(answer)}`);
  return token;
}

const namesOf = (answer: JsonAnswer) =>
  answer.ok ? (answer.body.concerts as { name: string }[]).map(({ name }) => name) : answer;

describe.each(jsonProtocols)("%s", (protocol) => {
  const list = (changes: JsonObject) => caller.call(protocol, listConcerts, changes);
  const bookings = (changes: JsonObject) => caller.call(protocol, getUserBookings, { user_id: "nora", ...changes });

  test("accepts its own token with another page_size and with equal filters", async () => {
    expect(namesOf(await list({ page_token: concertToken, page_size: 1 }))).toEqual(["100x Jazz"]);
    expect(await bookings({ page_token: bookingToken })).toMatchObject({ ok: true, body: { next_page_token: "" } });
    const token = tokenOf(await list({ name: "jazz", page_size: 1 }));
    expect(namesOf(await list({ name: "JAZZ", page_token: token }))).toEqual(["100x Jazz", "C:\\jazz", "C:jazz"]);
  });

  test.each<[string, JsonObject]>([
    ["an artist", { artist: "larks" }],
    ["a venue", { venue: "mill" }],
    ["a name", { name: "jazz" }],
    ["a first date", { date_from: "2000-01-01T00:00:00Z" }],
    ["a last date", { date_to: "2100-01-01T00:00:00Z" }],
    ["concerts with tickets", { available_only: true }],
    ["concerts that are open", { booking_open_only: true }],
  ])("refuses a token of all concerts for %s, and a token of that filter for all concerts", async (_, filter) => {
    expect(await list({ ...filter, page_token: concertToken })).toMatchObject(refused);
    const token = tokenOf(await list({ ...filter, page_size: 1 }));
    expect(await list({ ...filter, page_token: token })).toMatchObject({ ok: true });
    expect(await list({ page_token: token })).toMatchObject(refused);
  });

  test("refuses a token of a list of bookings for other statuses", async () => {
    const some = { statuses: ["BOOKING_STATUS_CONFIRMED", "BOOKING_STATUS_CANCELLED"] };
    // These are those of a request without statuses, but not by its words.
    expect(await bookings({ ...some, page_token: bookingToken })).toMatchObject(refused);
    const token = tokenOf(await bookings({ ...some, page_size: 1 }));
    expect(await bookings({ statuses: some.statuses.toReversed(), page_token: token })).toMatchObject({ ok: true });
    expect(await bookings({ page_token: token })).toMatchObject(refused);
    expect(await bookings({ statuses: some.statuses.slice(1), page_token: token })).toMatchObject(refused);
  });

  test("refuses a token of another list or user", async () => {
    expect(await list({ page_token: bookingToken })).toMatchObject(refused);
    expect(await bookings({ page_token: concertToken })).toMatchObject(refused);
    expect(await bookings({ user_id: "nick", page_token: bookingToken })).toMatchObject(refused);
    expect(await bookings({ user_id: "NORA", page_token: bookingToken })).toMatchObject(refused);
  });

  test.each([
    ...["x", "null", "0", "-1", "W10", "WyJ4Il0", "e30", "////", "=", "🎸", " ", "%", "'; DROP TABLE concerts; --"],
    ...["eyJfX3Byb3RvX18iOjF9", "x".repeat(512)],
  ])("refuses garbage: %j", async (token) => {
    expect(await list({ page_token: token })).toMatchObject(refused);
    expect(await bookings({ page_token: token })).toMatchObject(refused);
  });

  test.each(["0", "-1", "9223372036854775808", "9".repeat(300), "1e3", "1.5", "", "NaN", "1; DROP TABLE bookings"])(
    "refuses a malformed id in a token of the right list: %s",
    async (id) => {
      const allConcerts: ListIdentity = ["concerts", ...Array(5).fill(undefined), false, false];
      const date = "2030-01-01T00:00:00Z";
      expect(await list({ page_token: encodePageToken(allConcerts, [date, "1"]) })).toMatchObject({ ok: true });
      expect(await list({ page_token: encodePageToken(allConcerts, [date, id]) })).toMatchObject(refused);
      expect(await bookings({ page_token: encodePageToken(["bookings", "nora"], ["1"]) })).toMatchObject({ ok: true });
      expect(await bookings({ page_token: encodePageToken(["bookings", "nora"], [id]) })).toMatchObject(refused);
      expect(await bookings({ page_token: encodePageToken(["bookings", "nora"], []) })).toMatchObject(refused);
    },
  );

  test.each([
    ...["0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z", "+010000-01-01T00:00:00Z", "-000001-01-01T00:00:00Z"],
    ...["2030-02-30T00:00:00Z", "2030-01-01", "infinity", "now", "", "2030-01-01T00:00:00.0000001Z"],
  ])("refuses a malformed date in a token of the right list: %j", async (date) => {
    const allConcerts: ListIdentity = ["concerts", ...Array(5).fill(undefined), false, false];
    expect(await list({ page_token: encodePageToken(allConcerts, [date, "1"]) })).toMatchObject(refused);
  });

  test.each<[string, string[]]>([
    ["100%", ["100% Jazz"]],
    ["0% J", ["100% Jazz"]],
    ["%%%", []],
    ["a_b", ["a_b_c"]],
    ["___", []],
    ["C:\\", ["C:\\jazz"]],
    [":\\j", ["C:\\jazz"]],
    ["\\\\\\", []],
    ["It's", ["It's"]],
    ['"Q"', ['A "Q"']],
    ["été", ["ÉTÉ indien"]],
    ["' OR '1'='1", []],
    ["$1$", []],
  ])("searches for the filter %s literally", async (name, found) => {
    expect(namesOf(await list({ name }))).toEqual(found);
    // A filter that is taken for a pattern in one column only would still be wrong.
    expect(namesOf(await list({ artist: name }))).toEqual([]);
    expect(namesOf(await list({ venue: name }))).toEqual([]);
  });
});

test("a token with any character changed is refused or begins a page", async () => {
  const changed = (token: string) =>
    [...token].flatMap((_, index) => [
      token.slice(0, index) + (token[index] === "A" ? "B" : "A") + token.slice(index + 1),
      token.slice(0, index) + token.slice(index + 1),
      token.slice(0, index),
    ]);
  const allowed = expect.toBeOneOf(["INVALID_PAGE_TOKEN", true]);
  const check = async (method: string, request: JsonObject) => {
    const answer = await caller.call("REST", method, request);
    expect([request, answer.ok || answer.reason]).toEqual([request, allowed]);
  };
  for (const token of changed(concertToken)) await check(listConcerts, { page_token: token });
  for (const token of changed(bookingToken)) await check(getUserBookings, { user_id: "nora", page_token: token });
});
