/** A client generated from the schema as it was before holds, at commit fe1e8cd, keeps working. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BookingService } from "../gen/frontrow/v1/booking_service_pb.ts";
import { ConcertService } from "../gen/frontrow/v1/concert_service_pb.ts";
import { BookingStatus } from "./old-client/gen/frontrow/v1/booking_pb.ts";
import { BookingService as OldBookingService } from "./old-client/gen/frontrow/v1/booking_service_pb.ts";
import { ConcertService as OldConcertService } from "./old-client/gen/frontrow/v1/concert_service_pb.ts";
import { succeeded } from "./support/protocols/outcomes.ts";
import { createProtocolClient, type Protocol, type ProtocolClient } from "./support/protocols/protocols.ts";
import { startTestService, type TestService } from "./support/service/service.ts";
import { createStage, moonlight, type Stage, userId } from "./support/service/stage.ts";

const { bookTickets, cancelBooking, getBooking, getUserBookings } = OldBookingService.method;
const { createConcert, getConcert, listConcerts, updateConcert } = OldConcertService.method;
const fresh = { headers: { "Cache-Control": "no-cache" } };
/** `moonlight` as REST had it. */
const moonlightJson = {
  name: "Moonlight",
  artist: "The Larks",
  venue: "Old Mill",
  concert_date: "2099-06-01T20:00:00Z",
  total_tickets: 100,
  price: 50.25,
  currency_code: "EUR",
  booking_start_time: "2020-05-01T10:00:00Z",
  booking_end_time: "2099-06-01T19:30:00.500Z",
};
const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);

let service: TestService;
let stage: Stage;

beforeAll(async () => {
  service = await startTestService();
  stage = createStage(service.baseUrl);
});
afterAll(() => service?.close());

/** Two held tickets of a concert, by a new client. */
async function hold(user: string) {
  const concert = await stage.concert();
  const request = { concertId: concert.id, userId: user, ticketCount: 2 };
  return await stage.call(BookingService.method.holdTickets, request);
}

/** A concert with what an old client does not know of, by a new client. */
const limitedConcert = (requiresPayment: boolean) => stage.concert({ maxTicketsPerUser: 4, requiresPayment });

/** What a new client reads. */
const readConcert = (id: bigint) => stage.call(ConcertService.method.getConcert, { id });

describe.each<Protocol>(["gRPC", "Connect binary", "Connect JSON"])("by %s, an old client", (protocol) => {
  let client: ProtocolClient;
  beforeAll(() => {
    client = createProtocolClient(protocol, service.baseUrl);
  });
  afterAll(() => client?.close());

  test("creates, reads, lists and updates a concert", async () => {
    const artist = `The ${randomUUID()}`;
    const concert = succeeded(await client.call(createConcert, { ...moonlight, artist }));
    expect(concert).toMatchObject({ ...moonlight, artist, availableTickets: 100, version: 1 });
    expect(succeeded(await client.call(getConcert, { id: concert.id }))).toMatchObject({ id: concert.id, artist });
    const { concerts, nextPageToken } = succeeded(await client.call(listConcerts, { artist, availableOnly: true }));
    expect([concerts.map(({ id }) => id), nextPageToken]).toEqual([[concert.id], ""]);

    const change = { ...moonlight, artist, id: concert.id, version: 1, totalTickets: 90 };
    const updated = succeeded(await client.call(updateConcert, change));
    expect(updated).toMatchObject({ totalTickets: 90, availableTickets: 90, version: 2 });
    expect(await client.call(updateConcert, change)).toMatchObject({ code: "ABORTED", reason: "VERSION_MISMATCH" });
  });

  test("books, repeats, reads, lists and cancels", async () => {
    const { id: concertId } = await stage.concert();
    const user = randomUUID();
    const order = { requestId: randomUUID(), concertId, userId: user, ticketCount: 2 };
    const booking = succeeded(await client.call(bookTickets, order));
    const prices = { unitPrice: 50.25, totalPrice: 100.5, currencyCode: "EUR" };
    const stored = { concertId, userId: user, ticketCount: 2, status: BookingStatus.CONFIRMED, ...prices };
    expect(booking).toMatchObject(stored);
    expect(await client.call(bookTickets, order)).toMatchObject({ replayed: "true", message: { id: booking.id } });
    expect(succeeded(await client.call(getBooking, { id: booking.id }))).toMatchObject(stored);

    const cancellation = { requestId: randomUUID(), id: booking.id, userId: user };
    const cancelled = succeeded(await client.call(cancelBooking, cancellation));
    expect(cancelled).toMatchObject({ ...stored, status: BookingStatus.CANCELLED });
    expect(await client.call(cancelBooking, cancellation)).toMatchObject({ replayed: "true" });
    const { bookings } = succeeded(await client.call(getUserBookings, { userId: user }));
    expect(bookings).toMatchObject([{ id: booking.id, status: BookingStatus.CANCELLED }]);
  });

  test("updates a concert, and its limit and its payment stay as they are", async () => {
    const concert = await limitedConcert(true);
    const { version } = succeeded(await client.call(updateConcert, { ...moonlight, id: concert.id, version: 1 }));
    expect(version).toBe(2);
    expect(await readConcert(concert.id)).toMatchObject({ version: 2, maxTicketsPerUser: 4, requiresPayment: true });
  });

  test("reads a booking with a status that it does not know", async () => {
    const held = await hold(userId);
    const read = succeeded(await client.call(getBooking, { id: held.id }));
    // Protobuf keeps the number. Connect's JSON clients ignore a name that they do not know.
    expect(read).toMatchObject({
      id: held.id,
      ticketCount: 2,
      totalPrice: 100.5,
      status: protocol === "Connect JSON" ? BookingStatus.UNSPECIFIED : 3,
    });
  });

  test("lists bookings of the statuses that it knows only, and sees held tickets as not available", async () => {
    const user = randomUUID();
    const held = await hold(user);
    const booking = await stage.booking(await stage.concert(), { userId: user });
    const { bookings } = succeeded(await client.call(getUserBookings, { userId: user }));
    expect(bookings.map(({ id }) => id)).toEqual([booking.id]);
    const concert = succeeded(await client.call(getConcert, { id: held.concertId }, fresh));
    expect(concert).toMatchObject({ totalTickets: 100, availableTickets: 98 });
  });

  test("receives errors with reasons that it does not know", async () => {
    const paid = await limitedConcert(true);
    const limited = await limitedConcert(false);
    const held = await hold(userId);
    const order = { userId, ticketCount: 5 };
    const refusals = [
      await client.call(bookTickets, { ...order, concertId: paid.id }),
      await client.call(bookTickets, { ...order, concertId: limited.id }),
      await client.call(cancelBooking, { id: held.id, userId }),
    ];
    expect(refusals).toMatchObject([
      { code: "FAILED_PRECONDITION", reason: "PAYMENT_REQUIRED", message: expect.stringContaining("requires payment") },
      { code: "FAILED_PRECONDITION", reason: "USER_LIMIT_EXCEEDED", message: expect.stringContaining("4 tickets") },
      { code: "FAILED_PRECONDITION", reason: "NOT_CONFIRMED", message: expect.stringContaining("is held") },
    ]);
  });
});

/** Requests and responses are written out as they were: routes, names and types of values. */
describe("by REST, an old client", () => {
  async function call(method: string, path: string, body?: object) {
    const response = await fetch(`${service.baseUrl}/api/v1${path}`, {
      method,
      headers: { "Cache-Control": "no-cache", ...(body ? { "Content-Type": "application/json" } : {}) },
      body: body ? JSON.stringify(body) : null,
    });
    const location = response.headers.get("location");
    const replayed = response.headers.get("idempotency-replayed");
    return { status: response.status, location, replayed, body: (await response.json()) as { id: string } };
  }

  test("creates, reads, lists and updates a concert", async () => {
    const artist = `The ${randomUUID()}`;
    const created = await call("POST", "/concerts", { request_id: randomUUID(), ...moonlightJson, artist });
    const { id } = created.body;
    const concert = { ...moonlightJson, id, artist, available_tickets: 100, version: 1 };
    const times = { created_at: time, updated_at: time };
    expect(created).toMatchObject({ status: 201, location: `/api/v1/concerts/${id}`, body: { ...concert, ...times } });
    expect(await call("GET", `/concerts/${id}`)).toMatchObject({ status: 200, body: concert });
    const list = await call("GET", `/concerts?artist=${encodeURIComponent(artist)}&available_only=true&page_size=5`);
    expect(list).toMatchObject({ status: 200, body: { concerts: [concert], next_page_token: "" } });

    const change = { ...moonlightJson, artist, version: 1, total_tickets: 90 };
    const updated = { status: 200, body: { total_tickets: 90, available_tickets: 90, version: 2 } };
    expect(await call("PUT", `/concerts/${id}`, change)).toMatchObject(updated);
  });

  test("books, repeats, reads, lists and cancels", async () => {
    const { id: concertId } = await stage.concert();
    const user = randomUUID();
    const order = { request_id: randomUUID(), concert_id: String(concertId), user_id: user, ticket_count: 2 };
    const created = await call("POST", "/bookings", order);
    const { id } = created.body;
    const booking = {
      ...{ id, concert_id: String(concertId), user_id: user, ticket_count: 2, booking_time: time },
      ...{ status: "BOOKING_STATUS_CONFIRMED", unit_price: 50.25, total_price: 100.5, currency_code: "EUR" },
      ...{ created_at: time, updated_at: time },
    };
    expect(created).toMatchObject({ status: 201, location: `/api/v1/bookings/${id}`, body: booking });
    expect(await call("POST", "/bookings", order)).toMatchObject({ status: 201, replayed: "true", body: booking });
    expect(await call("GET", `/bookings/${id}`)).toMatchObject({ status: 200, body: booking });

    const cancelled = { status: 200, body: { id, status: "BOOKING_STATUS_CANCELLED" } };
    expect(await call("POST", `/bookings/${id}/cancel`, { user_id: user })).toMatchObject(cancelled);
    await hold(user);
    const list = await call("GET", `/bookings?user_id=${user}&page_size=5`);
    expect(list).toMatchObject({ status: 200, body: { bookings: [cancelled.body], next_page_token: "" } });
  });

  test("updates a concert, and its limit and its payment stay as they are", async () => {
    const { id } = await limitedConcert(true);
    expect(await call("PUT", `/concerts/${id}`, { ...moonlightJson, version: 1 })).toMatchObject({ status: 200 });
    expect(await readConcert(id)).toMatchObject({ version: 2, maxTicketsPerUser: 4, requiresPayment: true });
  });

  test("receives a booking with a status, and errors with reasons, that it does not know", async () => {
    const { id } = await hold(userId);
    const held = { id: String(id), ticket_count: 2, status: "BOOKING_STATUS_HELD" };
    expect(await call("GET", `/bookings/${id}`)).toMatchObject({ status: 200, body: held });
    expect(await call("POST", `/bookings/${id}/cancel`, { user_id: userId })).toMatchObject({
      status: 400,
      body: { status: 400, code: "FAILED_PRECONDITION", reason: "NOT_CONFIRMED", detail: expect.any(String) },
    });
  });
});
