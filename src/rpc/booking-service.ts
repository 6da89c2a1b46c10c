import type { ContextValues, HandlerContext } from "@connectrpc/connect";
import {
  BookingService,
  type BookTicketsRequest,
  type GetUserBookingsRequest,
  type HoldTicketsRequest,
  type ListConcertBookingsRequest,
} from "../../gen/frontrow/v1/booking_service_pb.ts";
import { type ChangeRequest, changeBooking } from "../booking/change.ts";
import type { BookingEngine } from "../booking/engine.ts";
import { getBooking, pageConcertBookings, pageUserBookings } from "../booking/queries.ts";
import type { Booking } from "../domain/booking.ts";
import { type BookingId, bookingIdOf, concertIdOf } from "../domain/ids.ts";
import type { Page } from "../domain/page.ts";
import type { Store } from "../store/store.ts";
import { actorOf, callerOf, deadlineOf, takeRequiredOwner } from "./call-context.ts";
import {
  bookingMessage,
  markReplay,
  millisecondsOf,
  pageSizeOf,
  requestIdOf,
  required,
  requireUserId,
  statusesOf,
} from "./convert.ts";
import { decodePageToken, encodePageToken, type ListIdentity, parseTokenId } from "./page-token.ts";
import { bindService, type ServiceBinding } from "./service.ts";

/** The methods of bookings: reads from the store, changes through the engine. */
export function bindBookingService(store: Store, engine: BookingEngine): ServiceBinding {
  const change = async (request: ChangeRequest, context: HandlerContext) =>
    bookingMessage(markReplay(await changeBooking(store, engine, request, deadlineOf(context.values)), context));

  return bindService(BookingService, {
    async getBooking({ id }, { values }) {
      const booking = await getBooking(store, bookingIdOf(id), takeRequiredOwner(values), deadlineOf(values));
      return bookingMessage(booking);
    },

    async getUserBookings(request, { values }) {
      const list = { of: requireUserId(request.userId), statuses: statusesOf(request.statuses) };
      const identity: ListIdentity = ["bookings", list.of, ...list.statuses];
      const page = await pageUserBookings(store, list, placeOf(request, identity), deadlineOf(values));
      return pageMessage(page, identity);
    },

    async listConcertBookings(request, { values }) {
      const list = { of: concertIdOf(request.concertId), statuses: statusesOf(request.statuses) };
      const identity: ListIdentity = ["bookings of a concert", list.of.toString(), ...list.statuses];
      const page = await pageConcertBookings(store, list, placeOf(request, identity), deadlineOf(values));
      return pageMessage(page, identity);
    },

    async bookTickets(request, context) {
      const command = { kind: "book", ...orderOf(request, context.values) } as const;
      return bookingMessage(markReplay(await engine.submit(command, deadlineOf(context.values)), context));
    },

    async holdTickets(request, context) {
      const ttlMs = request.ttl && millisecondsOf(request.ttl);
      const command = { kind: "hold", ...orderOf(request, context.values), ttlMs } as const;
      return bookingMessage(markReplay(await engine.submit(command, deadlineOf(context.values)), context));
    },

    async confirmHold(request, context) {
      const { ticketCount, paymentReference, acceptLate } = request;
      const reference = paymentReference === "" ? undefined : paymentReference;
      const hasConfirmScope = hasScope(context.values, "bookings:confirm");
      const terms = { ticketCount, paymentReference: reference, acceptLate, hasConfirmScope };
      return await change({ kind: "confirm", ...targetOf(request, context.values), ...terms }, context);
    },

    async releaseHold(request, context) {
      return await change({ kind: "release", ...targetOf(request, context.values) }, context);
    },

    async extendHold(request, context) {
      const ttlMs = millisecondsOf(required(request.ttl, "ttl"));
      return await change({ kind: "extend", ...targetOf(request, context.values), ttlMs }, context);
    },

    async cancelBooking(request, context) {
      const requestId = requestIdOf(request.requestId);
      return await change({ kind: "cancel", ...targetOf(request, context.values), requestId }, context);
    },
  });
}

/** What a request for tickets says, whether it books or holds them. */
function orderOf(request: BookTicketsRequest | HoldTicketsRequest, values: ContextValues) {
  const userId = requireUserId(request.userId);
  const actor = actorOf(values, userId);
  return {
    concertId: concertIdOf(request.concertId),
    userId,
    ticketCount: request.ticketCount,
    requestId: requestIdOf(request.requestId),
    hasOwnKey: request.requestId !== "",
    isExempt: actor.subject !== userId && hasScope(values, "bookings:admin"),
    actor,
  };
}

/** The booking that a request changes, and the user who must own it. */
function targetOf({ id }: { readonly id: bigint }, values: ContextValues) {
  const owner = takeRequiredOwner(values);
  const userId = owner === undefined ? undefined : requireUserId(owner);
  return { bookingId: bookingIdOf(id), userId, actor: actorOf(values, userId) };
}

function hasScope(values: ContextValues, scope: string): boolean {
  return callerOf(values).scopes.has(scope);
}

type ListRequest = GetUserBookingsRequest | ListConcertBookingsRequest;

/** The part of a list that a request asks for. */
function placeOf({ pageToken, pageSize }: ListRequest, list: ListIdentity) {
  const before = pageToken === "" ? undefined : bookingIdOf(parseTokenId(decodePageToken(list, pageToken)[0]));
  return { before, pageSize: pageSizeOf(pageSize) };
}

function pageMessage({ items, next }: Page<Booking, BookingId>, list: ListIdentity) {
  return {
    bookings: items.map(bookingMessage),
    nextPageToken: next === undefined ? "" : encodePageToken(list, [next.toString()]),
  };
}
