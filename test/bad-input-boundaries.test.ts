/** The last values that are accepted, and the first that are refused. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { nameOf, rightJson, scenarioOf, scenarios } from "./methods/index.ts";
import { createJsonCaller, type JsonAnswer, type JsonCaller, jsonProtocols } from "./support/protocols/json-calls.ts";
import type { JsonObject } from "./support/scenario/scenario.ts";
import { createStage, moonlightJson, type Stage } from "./support/service/stage.ts";
import { type Subject, startSubject } from "./support/service/subject.ts";
import { expectConnectViolation, expectProblem } from "./support/wire/errors.ts";
import { jsonType, rpcPath, sendHttp } from "./support/wire/http.ts";

let subject: Subject;
let caller: JsonCaller;
let stage: Stage;
beforeAll(async () => {
  subject = await startSubject({ APP_MAX_TICKETS_PER_BOOKING: "100" });
  caller = createJsonCaller(subject.baseUrl);
  stage = createStage(subject.baseUrl);
});
afterAll(async () => {
  caller?.close();
  await subject?.close();
});

function idOf(answer: JsonAnswer): string {
  if (!answer.ok) throw new Error(answer.message);
  return String(answer.body.id);
}

/** How a resource that a method returns is read again. */
const readMethods: Readonly<Record<string, string>> = {
  Concert: "ConcertService.GetConcert",
  Booking: "BookingService.GetBooking",
};

const cases = scenarios.flatMap(({ method, accepts = [] }) =>
  accepts.map(([what, changes, response]) => ({ method, what, changes, response })),
);

describe.each(jsonProtocols)("by %s", (protocol) => {
  test.each(cases)("$method.name takes $what", async ({ method, changes, response }) => {
    // The concert has enough tickets for every case.
    const [booking, hold] = [await stage.booking(await stage.concert()), await stage.hold(await stage.concert())];
    const existing = { concert: await stage.concert(), booking, hold };
    const right = rightJson(scenarioOf(nameOf(method)), existing);
    const answer = await caller.call(protocol, nameOf(method), { ...right, ...changes });
    expect(answer).toMatchObject({ ok: true, body: response });
    // As stored, and not only as sent back.
    const readMethod = readMethods[method.output.name];
    if (!readMethod) return;
    const stored = await caller.call(protocol, readMethod, { id: idOf(answer) });
    expect(stored).toMatchObject({ ok: true, body: response });
  });

  test("the greatest id is valid, and no row has it", async () => {
    const id = "9223372036854775807";
    const notFound = (reason: string) => ({ ok: false, code: "NOT_FOUND", reason });
    const call = (method: string, changes: JsonObject) =>
      caller.call(protocol, method, { ...subject.requests[method], ...changes });
    expect(await call("ConcertService.GetConcert", { id })).toMatchObject(notFound("CONCERT_NOT_FOUND"));
    expect(await call("ConcertService.UpdateConcert", { id })).toMatchObject(notFound("CONCERT_NOT_FOUND"));
    expect(await call("BookingService.BookTickets", { concert_id: id })).toMatchObject(notFound("CONCERT_NOT_FOUND"));
    expect(await call("BookingService.GetBooking", { id })).toMatchObject(notFound("BOOKING_NOT_FOUND"));
    expect(await call("BookingService.HoldTickets", { concert_id: id })).toMatchObject(notFound("CONCERT_NOT_FOUND"));
    expect(await call("BookingService.ListConcertBookings", { concert_id: id })).toMatchObject(
      notFound("CONCERT_NOT_FOUND"),
    );
    for (const method of ["CancelBooking", "ConfirmHold", "ReleaseHold", "ExtendHold"]) {
      expect(await call(`BookingService.${method}`, { id })).toMatchObject(notFound("BOOKING_NOT_FOUND"));
    }
  });

  test("a request_id in capitals is the same request_id", async () => {
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
    const concertId = await twice("ConcertService.CreateConcert", moonlightJson);
    const order = { concert_id: concertId, user_id: "nora", ticket_count: 1 };
    const bookingId = await twice("BookingService.BookTickets", order);
    await twice("BookingService.CancelBooking", { id: bookingId, user_id: "nora" });
    await twice("BookingService.HoldTickets", { ...order, user_id: "nick" });
  });
});

describe("a malformed id is refused", () => {
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

describe("a malformed time is refused", () => {
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
    const body = JSON.stringify({ ...moonlightJson, concert_date: time });
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
])("another form of RFC 3339 is accepted: %j", async (time, expected) => {
  const body = JSON.stringify({ ...moonlightJson, concert_date: time });
  for (const path of ["/api/v1/concerts", rpcPath("ConcertService.CreateConcert")]) {
    const { text } = await sendHttp(subject.baseUrl, { path, headers: jsonType, body });
    const { concert_date, concertDate = concert_date } = JSON.parse(text);
    expect([path, concertDate]).toEqual([path, expected]);
  }
});

test("the tickets of all bookings add up", () => subject.database.checkInvariants());
