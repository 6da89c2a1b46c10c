/** The service in the model's words: sends the model's calls, and reads their responses and what is stored. */
import type { MessageShape } from "@bufbuild/protobuf";
import { type BookingSchema, BookingStatus } from "../../../gen/frontrow/v1/booking_pb.ts";
import { BookingService } from "../../../gen/frontrow/v1/booking_service_pb.ts";
import type { ConcertSchema } from "../../../gen/frontrow/v1/concert_pb.ts";
import { ConcertService } from "../../../gen/frontrow/v1/concert_service_pb.ts";
import { succeeded } from "../protocols/outcomes.ts";
import type { Outcome, ProtocolClient } from "../protocols/protocols.ts";
import { describeConcert, instantOf, timestamp } from "../service/stage.ts";
import {
  type Answer,
  bookingsOf,
  type Call,
  concertsOf,
  type ModelBooking,
  type ModelConcert,
  type ModelDescription,
  type Window,
  type World,
  windows,
} from "./model.ts";

type Concert = MessageShape<typeof ConcertSchema>;
type Booking = MessageShape<typeof BookingSchema>;

function descriptionMessage(description: ModelDescription) {
  const { totalTickets, priceCents, window, maxTicketsPerUser, requiresPayment } = description;
  const { opensAt, closesAt } = windows[window];
  const described = describeConcert({
    totalTickets,
    price: priceCents / 100,
    bookingStartTime: timestamp(String(opensAt)),
    bookingEndTime: timestamp(String(closesAt)),
  });
  return { ...described, maxTicketsPerUser, requiresPayment };
}

function cents(price: number): number {
  return Math.round(price * 100);
}

function windowOf({ bookingStartTime, bookingEndTime }: Concert): Window {
  const [opensAt, closesAt] = [instantOf(bookingStartTime), instantOf(bookingEndTime)];
  const isSame = (window: Window) =>
    windows[window].opensAt.equals(opensAt) && windows[window].closesAt.equals(closesAt);
  const found = (Object.keys(windows) as Window[]).find(isSame);
  if (!found) throw new Error(`no window is ${opensAt} to ${closesAt}`);
  return found;
}

function concertOf(message: Concert): ModelConcert {
  const { id, totalTickets, availableTickets, heldTickets, version, price } = message;
  const { maxTicketsPerUser = 0, requiresPayment } = message;
  const tickets = { totalTickets, availableTickets, heldTickets, maxTicketsPerUser, requiresPayment };
  return { id, ...tickets, version, priceCents: cents(price), window: windowOf(message) };
}

function bookingOf(message: Booking): ModelBooking {
  const { id, concertId, userId, ticketCount, unitPrice, totalPrice, paymentReference } = message;
  if (cents(totalPrice) !== cents(unitPrice) * ticketCount) throw new Error(`booking ${id} costs ${totalPrice}`);
  return {
    ...{ id, concertId, userId, ticketCount, unitPriceCents: cents(unitPrice) },
    ...{ status: statusOf(message), wasHold: message.holdExpiresTime !== undefined, paymentReference },
  };
}

const statusNames = ["unspecified", "confirmed", "cancelled", "held", "expired", "released"] as const;

function statusOf({ id, status }: Booking): ModelBooking["status"] {
  const name = statusNames[status] ?? "unspecified";
  if (name === "unspecified") throw new Error(`booking ${id} has the status ${status}`);
  return name;
}

function answerOf<Message>(
  outcome: Outcome<Message>,
  success: (message: Message, replayed: boolean) => Answer,
): Answer {
  if (outcome.ok) return success(outcome.message, outcome.replayed === "true");
  // Instants are compared by other tests.
  const { expired_at: _, ...withoutInstant } = outcome.metadata;
  const metadata = outcome.reason === "BOOKING_NOT_OPEN" ? {} : withoutInstant;
  return { reason: outcome.reason ?? `${outcome.code} ${outcome.message}`, metadata };
}

const concertAnswer = (message: Concert, replayed: boolean): Answer => ({ replayed, concert: concertOf(message) });
const bookingAnswer = (message: Booking, replayed: boolean): Answer => ({ replayed, booking: bookingOf(message) });

/** Sends a call. */
export async function send(client: ProtocolClient, call: Call): Promise<Answer> {
  switch (call.kind) {
    case "create": {
      const request = { ...descriptionMessage(call.description), requestId: call.requestId };
      return answerOf(await client.call(ConcertService.method.createConcert, request), concertAnswer);
    }
    case "update": {
      const request = { ...descriptionMessage(call.description), id: call.id, version: call.version };
      return answerOf(await client.call(ConcertService.method.updateConcert, request), concertAnswer);
    }
    case "get":
      return answerOf(await client.call(ConcertService.method.getConcert, { id: call.id }), concertAnswer);
    case "book": {
      const { concertId, userId, ticketCount, requestId } = call;
      const request = { concertId, userId, ticketCount, requestId };
      return answerOf(await client.call(BookingService.method.bookTickets, request), bookingAnswer);
    }
    case "hold": {
      const { concertId, userId, ticketCount, requestId, ttlMs } = call;
      const ttl = ttlMs === undefined ? {} : { ttl: durationOf(ttlMs) };
      const request = { concertId, userId, ticketCount, requestId, ...ttl };
      return answerOf(await client.call(BookingService.method.holdTickets, request), bookingAnswer);
    }
    case "confirm": {
      const { id, userId, ticketCount, paymentReference, acceptLate } = call;
      const request = { id, userId, ticketCount, paymentReference, acceptLate };
      return answerOf(await client.call(BookingService.method.confirmHold, request), bookingAnswer);
    }
    case "release": {
      const { id, userId } = call;
      return answerOf(await client.call(BookingService.method.releaseHold, { id, userId }), bookingAnswer);
    }
    case "extend": {
      const { id, userId } = call;
      const request = { id, userId, ttl: durationOf(call.ttlMs) };
      return answerOf(await client.call(BookingService.method.extendHold, request), bookingAnswer);
    }
    case "cancel": {
      const { id, userId, requestId } = call;
      return answerOf(await client.call(BookingService.method.cancelBooking, { id, userId, requestId }), bookingAnswer);
    }
  }
}

function durationOf(milliseconds: number) {
  return { seconds: BigInt(Math.trunc(milliseconds / 1_000)), nanos: (milliseconds % 1_000) * 1_000_000 };
}

/** The id of the concert or booking in an answer. */
export function idOf(answer: Answer): bigint | undefined {
  if ("concert" in answer) return answer.concert.id;
  return "booking" in answer ? answer.booking.id : undefined;
}

/** The world as the service reads it: its concerts, and each user's bookings, the newest first. */
export async function readState(client: ProtocolClient, world: World, users: readonly string[]) {
  const concerts = [...world.concerts.keys()].map(async (id) =>
    concertOf(succeeded(await client.call(ConcertService.method.getConcert, { id }))),
  );
  return { concerts: await Promise.all(concerts), bookings: await Promise.all(users.map(bookingsBy(client))) };
}

/** The same of the model. */
export function modelState(world: World, users: readonly string[]) {
  const bookings = bookingsOf(world).sort((a, b) => Number(b.id - a.id));
  return {
    concerts: concertsOf(world),
    bookings: users.map((userId) => bookings.filter((booking) => booking.userId === userId)),
  };
}

const { HELD, CONFIRMED, CANCELLED, EXPIRED, RELEASED } = BookingStatus;
const everyStatus = [HELD, CONFIRMED, CANCELLED, EXPIRED, RELEASED];

const bookingsBy = (client: ProtocolClient) => async (userId: string) => {
  const found: ModelBooking[] = [];
  let pageToken = "";
  do {
    const request = { userId, pageToken, pageSize: 7, statuses: everyStatus };
    const page = succeeded(await client.call(BookingService.method.getUserBookings, request));
    found.push(...page.bookings.map(bookingOf));
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return found;
};
