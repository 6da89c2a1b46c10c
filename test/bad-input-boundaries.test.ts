/** The last values that are taken, and the first that are not. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  concertJson,
  expectConnectViolation,
  expectProblem,
  type JsonObject,
  jsonType,
  rpcPath,
  type Subject,
  sendHttp,
  startSubject,
} from "./support/bad-input.ts";
import { createJsonCaller, type JsonAnswer, type JsonCaller, jsonProtocols } from "./support/json-calls.ts";

let subject: Subject;
let caller: JsonCaller;
beforeAll(async () => {
  subject = await startSubject({ APP_MAX_TICKETS_PER_BOOKING: "100" });
  caller = createJsonCaller(subject.baseUrl);
});
afterAll(async () => {
  caller?.close();
  await subject?.close();
});

function idOf(answer: JsonAnswer): string {
  if (!answer.ok) throw new Error(answer.message);
  return String(answer.body.id);
}

describe.each(jsonProtocols)("%s takes", (protocol) => {
  const [texts, astral] = ["x".repeat(255), "🎸".repeat(255)];
  const long = { name: texts, artist: astral, venue: texts };
  test.each<[what: string, changes: JsonObject, kept?: JsonObject]>([
    ["texts of one character", { name: "x", artist: "🎸", venue: "é" }],
    ["texts of 255 characters, also those outside the basic plane", long],
    ["texts in any script", { name: "שלום", artist: "é\u200d\u{1f469}\u200d\u{1f3a4}", venue: "\ufeff" + "音楽堂" }],
    ["decomposed letters, composed", { name: "e\u0301", artist: "\u1100\u1161" }, { name: "é", artist: "가" }],
    ["U+FFFD, if that is what was sent", { name: "\ufffd" }],
    ["control characters", { name: "a\u0001\r\n\tb" }],
    ["spaces around a text", { name: "  Moonlight  " }],
    ["quotes and SQL", { name: "'; DROP TABLE concerts; --", artist: '"\\', venue: "$1 :x" }],
    ["one ticket", { total_tickets: 1 }],
    ["ten million tickets", { total_tickets: 10_000_000 }],
    ["no price", { price: 0 }],
    ["minus zero", { price: "-0" }, { price: 0 }],
    ["a cent", { price: 0.01 }],
    ["29 cents", { price: 0.29 }],
    ["the highest price", { price: 99_999_999.99 }],
    ["a cent less", { price: 99_999_999.98 }],
    ["a price as text", { price: "1e2" }, { price: 100 }],
    ["no currency", { currency_code: undefined }, { currency_code: "USD" }],
    ["an empty currency", { currency_code: "" }, { currency_code: "USD" }],
    ["a currency shown without its decimals", { currency_code: "HUF" }],
    ["a price in yen", { currency_code: "JPY", price: 1_200 }],
    ["the highest price in won", { currency_code: "KRW", price: 99_999_999 }],
    ["the year 1", { concert_date: "0001-01-01T00:00:00Z" }],
    [
      "the last instant",
      { concert_date: "9999-12-31T23:59:59.999999999Z" },
      { concert_date: "9999-12-31T23:59:59.999999Z" },
    ],
    [
      "nanoseconds, cut",
      { concert_date: "2030-01-01T00:00:00.123456789Z" },
      { concert_date: "2030-01-01T00:00:00.123456Z" },
    ],
    [
      "nanoseconds before 1970",
      { concert_date: "1969-12-31T23:59:59.999999999Z" },
      { concert_date: "1969-12-31T23:59:59.999999Z" },
    ],
    ["another offset", { concert_date: "2030-01-01T00:00:00+05:30" }, { concert_date: "2029-12-31T18:30:00Z" }],
    ["a leap day", { concert_date: "2028-02-29T12:00:00Z" }],
    [
      "a window of a microsecond",
      { booking_start_time: "2020-05-01T10:00:00Z", booking_end_time: "2020-05-01T10:00:00.000001Z" },
    ],
  ])("%s", async (_, changes, kept = changes) => {
    const answer = await caller.call(protocol, "ConcertService.CreateConcert", { ...concertJson, ...changes });
    expect(answer).toMatchObject({ ok: true, body: kept });
    // As stored, and not only as repeated to the caller.
    const id = idOf(answer);
    expect(await caller.call(protocol, "ConcertService.GetConcert", { id })).toMatchObject({ ok: true, body: kept });
  });

  test.each<[what: string, method: string, changes: JsonObject, body: object]>([
    [
      "a hundred tickets",
      "BookTickets",
      { ticket_count: 100, user_id: protocol },
      { ticket_count: 100, total_price: 5025 },
    ],
    ["a user of 255 characters", "BookTickets", { user_id: astral }, { user_id: astral }],
    ["a user with quotes", "BookTickets", { user_id: `o'neill" OR 1=1 --` }, { user_id: `o'neill" OR 1=1 --` }],
    ["an empty key", "BookTickets", { request_id: "" }, { user_id: "nora" }],
    ["a page of the default size", "GetUserBookings", { page_size: 0 }, { bookings: expect.any(Array) }],
    ["a page of one", "GetUserBookings", { page_size: 1 }, { bookings: [expect.anything()] }],
    ["a page of a hundred", "GetUserBookings", { page_size: 100 }, { bookings: expect.any(Array) }],
    ["a user who never booked", "GetUserBookings", { user_id: "%" }, { bookings: [], next_page_token: "" }],
  ])("%s", async (_, name, changes, body) => {
    // Enough tickets for all of it.
    const concert = await caller.call(protocol, "ConcertService.CreateConcert", concertJson);
    const id = idOf(concert);
    const method = `BookingService.${name}`;
    const request = { ...subject.requests[method], ...(name === "BookTickets" ? { concert_id: id } : {}), ...changes };
    expect(await caller.call(protocol, method, request)).toMatchObject({ ok: true, body });
  });

  test("a window of all time", async () => {
    const window = { booking_start_time: "0001-01-01T00:00:00Z", booking_end_time: "9999-12-31T23:59:59Z" };
    const answer = await caller.call(protocol, "ConcertService.CreateConcert", { ...concertJson, ...window });
    expect(answer).toMatchObject({ ok: true, body: window });
  });

  test("the greatest id, which nothing has", async () => {
    const id = "9223372036854775807";
    const notFound = (reason: string) => ({ ok: false, code: "NOT_FOUND", reason });
    const call = (method: string, changes: JsonObject) =>
      caller.call(protocol, method, { ...subject.requests[method], ...changes });
    expect(await call("ConcertService.GetConcert", { id })).toMatchObject(notFound("CONCERT_NOT_FOUND"));
    expect(await call("ConcertService.UpdateConcert", { id })).toMatchObject(notFound("CONCERT_NOT_FOUND"));
    expect(await call("BookingService.BookTickets", { concert_id: id })).toMatchObject(notFound("CONCERT_NOT_FOUND"));
    expect(await call("BookingService.GetBooking", { id })).toMatchObject(notFound("BOOKING_NOT_FOUND"));
    expect(await call("BookingService.CancelBooking", { id })).toMatchObject(notFound("BOOKING_NOT_FOUND"));
  });

  test("a key in capitals for the same key", async () => {
    const [lower, upper] = ["3b8f2d4e-0d5b-4b32-9a55-2f3a8e0a7c1", "3B8F2D4E-0D5B-4B32-9A55-2F3A8E0A7C1"].map(
      (key) => key + jsonProtocols.indexOf(protocol),
    );
    const twice = async (method: string, request: JsonObject) => {
      const first = await caller.call(protocol, method, { ...request, request_id: lower });
      const second = await caller.call(protocol, method, { ...request, request_id: upper });
      expect(first).toMatchObject({ ok: true, replayed: false });
      expect(second).toEqual({ ...first, replayed: true });
      return idOf(first);
    };
    const concertId = await twice("ConcertService.CreateConcert", concertJson);
    const order = { concert_id: concertId, user_id: "nora", ticket_count: 1 };
    const bookingId = await twice("BookingService.BookTickets", order);
    await twice("BookingService.CancelBooking", { id: bookingId, user_id: "nora" });
  });
});

describe("an id that is none", () => {
  const ids = "9223372036854775808 -9223372036854775809 1.5 x 1%00 %EF%BC%91 1111111111111111111111111111111".split(
    " ",
  );
  const otherNumbers = "%201 0x1 1e3 %2B1 +1 NaN null".split(" ");
  test.each([...otherNumbers, ...ids])("%s in a path of REST", async (id) => {
    for (const path of [`/api/v1/concerts/${id}`, `/api/v1/bookings/${id}`]) {
      const { violations } = expectProblem(await sendHttp(subject.baseUrl, { path }), 400, "INVALID_REQUEST");
      expect(violations).toEqual([
        { field: "id", message: expect.stringMatching(/^must be (a whole number|between)/) },
      ]);
    }
  });

  test.each([...otherNumbers, ...ids])("%s in Connect JSON", async (id) => {
    for (const method of ["ConcertService.GetConcert", "BookingService.GetBooking"]) {
      const body = JSON.stringify({ id: decodeURIComponent(id) });
      const answer = await sendHttp(subject.baseUrl, { path: rpcPath(method), headers: jsonType, body });
      expect(expectConnectViolation(answer, "id")).toMatch(/^must be (a whole number|between)/);
    }
  });
});

describe("a time that is none", () => {
  const [noTimes, otherForms, outOfRange] = [
    ["", "now", "infinity", "2030-01-01", "2030-13-01T00:00:00Z", "2030-01-32T00:00:00Z", "2030-01-01T24:00:01Z"],
    ["2030-01-01T00:00:00", "2030-01-01 00:00:00Z", "2030-01-01T00:00Z", "2030-01-01T00:00:00.Z"],
    ["0000-12-31T23:59:59Z", "10000-01-01T00:00:00Z", "+010000-01-01T00:00:00Z", "-000001-01-01T00:00:00Z"],
  ];
  const leapSeconds = ["2030-01-01T00:60:00Z", "2016-12-31T23:59:60Z"];
  const byOffset = ["0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01"];
  const noDays = ["2030-02-30T00:00:00Z", "2030-04-31T00:00:00Z", "2031-02-29T00:00:00Z"];
  const times = [...noTimes, ...otherForms, ...leapSeconds, ...outOfRange, ...byOffset, ...noDays];
  test.each(times)("%j", async (time) => {
    const body = JSON.stringify({ ...concertJson, concert_date: time });
    const path = rpcPath("ConcertService.CreateConcert");
    const rest = await sendHttp(subject.baseUrl, { path: "/api/v1/concerts", headers: jsonType, body });
    const connect = await sendHttp(subject.baseUrl, { path, headers: jsonType, body });
    const message = expectConnectViolation(connect, "concert_date");
    expect(message).toMatch(/RFC 3339|years 1 and 9999/);
    expect(expectProblem(rest, 400, "INVALID_REQUEST").violations).toEqual([{ field: "concert_date", message }]);
  });
});

test.each([
  ["2030-01-01T00:00:00.1234567890Z", "2030-01-01T00:00:00.123456Z"],
  ["2030-01-01t00:00:00z", "2030-01-01T00:00:00Z"],
  ["2030-01-01t02:00:00+02:00", "2030-01-01T00:00:00Z"],
])("a time in another form of RFC 3339: %j", async (time, expected) => {
  const body = JSON.stringify({ ...concertJson, concert_date: time });
  for (const path of ["/api/v1/concerts", rpcPath("ConcertService.CreateConcert")]) {
    const { text } = await sendHttp(subject.baseUrl, { path, headers: jsonType, body });
    const { concert_date, concertDate = concert_date } = JSON.parse(text);
    expect([path, concertDate]).toEqual([path, expected]);
  }
});

test("all that was taken adds up", () => subject.database.checkInvariants());
