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

function descriptionMessage({ totalTickets, priceCents, window }: ModelDescription) {
  const { opensAt, closesAt } = windows[window];
  return describeConcert({
    totalTickets,
    price: priceCents / 100,
    bookingStartTime: timestamp(String(opensAt)),
    bookingEndTime: timestamp(String(closesAt)),
  });
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
  const { id, totalTickets, availableTickets, version, price } = message;
  return { id, totalTickets, availableTickets, version, priceCents: cents(price), window: windowOf(message) };
}

function bookingOf(message: Booking): ModelBooking {
  const { id, concertId, userId, ticketCount, unitPrice, totalPrice, status } = message;
  if (cents(totalPrice) !== cents(unitPrice) * ticketCount) throw new Error(`booking ${id} costs ${totalPrice}`);
  return {
    ...{ id, concertId, userId, ticketCount, unitPriceCents: cents(unitPrice) },
    status: status === BookingStatus.CANCELLED ? "cancelled" : "confirmed",
  };
}

function answerOf<Message>(
  outcome: Outcome<Message>,
  success: (message: Message, replayed: boolean) => Answer,
): Answer {
  if (outcome.ok) return success(outcome.message, outcome.replayed === "true");
  // The window's instants are compared by other tests.
  const metadata = outcome.reason === "BOOKING_NOT_OPEN" ? {} : outcome.metadata;
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
    case "cancel": {
      const { id, userId, requestId } = call;
      return answerOf(await client.call(BookingService.method.cancelBooking, { id, userId, requestId }), bookingAnswer);
    }
  }
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
  const bookings = [...world.bookings.values()].sort((a, b) => Number(b.id - a.id));
  return {
    concerts: concertsOf(world),
    bookings: users.map((userId) => bookings.filter((booking) => booking.userId === userId)),
  };
}

const bookingsBy = (client: ProtocolClient) => async (userId: string) => {
  const found: ModelBooking[] = [];
  let pageToken = "";
  do {
    const request = { userId, pageToken, pageSize: 7 };
    const page = succeeded(await client.call(BookingService.method.getUserBookings, request));
    found.push(...page.bookings.map(bookingOf));
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return found;
};
