/** Right requests of every method, for the generators to spoil. */
import type { DescMethodUnary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { concertJson, type JsonObject } from "../bad-input.ts";
import { nameOf } from "../json-calls.ts";
import { methods } from "../matrix.ts";
import { restCall } from "../rest.ts";
import type { Members } from "./json-text.ts";

/** A method, and what to call it with. */
export interface Shape {
  /** Such as `ConcertService.GetConcert`. */
  readonly name: string;
  readonly method: DescMethodUnary;
  readonly fields: readonly string[];
  /** Requests that the service answers. */
  readonly right: fc.Arbitrary<Members>;
}

/** What the generated requests may name. */
interface Subject {
  readonly concertIds: readonly string[];
  readonly bookingIds: readonly string[];
  readonly concertToken: string;
  readonly bookingToken: string;
}

/** Each can be updated a few times, each time with the version after the last. */
const concertCount = 40;
/** Each can be cancelled once. */
const bookingCount = 80;

/** Fills the service at a URL with something to ask for. */
async function createSubject(baseUrl: string): Promise<Subject> {
  const call = async (method: string, request: JsonObject) => {
    const { status, body } = await restCall(baseUrl, method, request);
    if (status >= 400) throw new Error(`${method} was answered ${JSON.stringify(body)}`);
    return body as { id: string; next_page_token: string };
  };
  const created = Array.from({ length: concertCount }, () =>
    call("ConcertService.CreateConcert", { ...concertJson, total_tickets: 10_000_000 }),
  );
  const concertIds = (await Promise.all(created)).map(({ id }) => id);
  const booked = Array.from({ length: bookingCount }, (_, index) =>
    call("BookingService.BookTickets", {
      ...{ concert_id: concertIds[index % concertCount], user_id: "nora", ticket_count: 1 },
    }),
  );
  const bookingIds = (await Promise.all(booked)).map(({ id }) => id);
  const concerts = await call("ConcertService.ListConcerts", { page_size: 2 });
  const bookings = await call("BookingService.GetUserBookings", { user_id: "nora", page_size: 2 });
  return { concertIds, bookingIds, concertToken: concerts.next_page_token, bookingToken: bookings.next_page_token };
}

type Fields = Record<string, fc.Arbitrary<unknown>>;

const requestId = fc.oneof({ weight: 3, arbitrary: fc.uuid() }, fc.constant(""));
const instant = fc.integer({ min: 2_021, max: 2_098 }).map((year) => `${year}-05-01T10:00:00Z`);

function requestsTo({ concertIds, bookingIds, concertToken, bookingToken }: Subject): Record<string, [Fields, Fields]> {
  const description: Fields = Object.fromEntries(
    Object.entries(concertJson).map(([field, value]) => [field, fc.constant(value)]),
  );
  const concertId = fc.constantFrom(...concertIds);
  const bookingId = fc.constantFrom(...bookingIds);
  const userId = fc.constantFrom("nora", "nick");
  const page_size = fc.integer({ min: 0, max: 5 });
  return {
    "ConcertService.GetConcert": [{ id: concertId }, {}],
    "ConcertService.ListConcerts": [
      {},
      {
        page_size,
        ...{
          page_token: fc.constantFrom("", concertToken),
          available_only: fc.boolean(),
          booking_open_only: fc.boolean(),
        },
        ...{ artist: fc.constant("lark"), venue: fc.constant("old mill"), name: fc.constant("moon") },
        ...{ date_from: instant, date_to: fc.constant("2099-12-31T00:00:00Z") },
      },
    ],
    "ConcertService.CreateConcert": [description, { request_id: requestId }],
    "ConcertService.UpdateConcert": [
      { id: concertId, version: fc.constantFrom(1, 1, 2, 3), ...description },
      { price: fc.integer({ min: 0, max: 9_999 }).map((cents) => cents / 100) },
    ],
    "BookingService.GetBooking": [{ id: bookingId }, {}],
    "BookingService.GetUserBookings": [
      { user_id: userId },
      { page_size, page_token: fc.constantFrom("", bookingToken) },
    ],
    "BookingService.BookTickets": [
      { concert_id: concertId, user_id: userId, ticket_count: fc.integer({ min: 1, max: 10 }) },
      { request_id: requestId },
    ],
    "BookingService.CancelBooking": [{ id: bookingId, user_id: fc.constant("nora") }, { request_id: requestId }],
  };
}

/** The shapes of all methods, for a service that now has what they name. */
export async function createShapes(baseUrl: string): Promise<ReadonlyMap<string, Shape>> {
  const requests = requestsTo(await createSubject(baseUrl));
  return new Map(methods.map((method) => [nameOf(method), shapeOf(method, requests[nameOf(method)])]));
}

function shapeOf(method: DescMethodUnary, request: [Fields, Fields] | undefined): Shape {
  if (!request) throw new Error(`there are no requests to ${nameOf(method)}`);
  const [required, optional] = request;
  const right = fc
    .record({ ...optional, ...required }, { requiredKeys: Object.keys(required) })
    .map((fields): Members => Object.entries(fields).map(([key, value]) => [key, JSON.stringify(value)]));
  return { name: nameOf(method), method, fields: method.input.fields.map((field) => field.name), right };
}
