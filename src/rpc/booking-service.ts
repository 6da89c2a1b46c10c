import { BookingService } from "../../gen/frontrow/v1/booking_service_pb.ts";
import { cancelBooking } from "../booking/cancel.ts";
import type { BookingEngine } from "../booking/engine.ts";
import { getBooking, pageUserBookings } from "../booking/queries.ts";
import { bookingIdOf, concertIdOf } from "../domain/ids.ts";
import type { Store } from "../store/store.ts";
import { actorOf, deadlineOf, takeRequiredOwner } from "./call-context.ts";
import { bookingMessage, markReplay, pageSizeOf, requestIdOf, requireUserId } from "./convert.ts";
import { decodePageToken, encodePageToken, type ListIdentity, parseTokenId } from "./page-token.ts";
import { bindService, type ServiceBinding } from "./service.ts";

/** The methods of bookings: reads from the store, changes through the engine. */
export function bindBookingService(store: Store, engine: BookingEngine): ServiceBinding {
  return bindService(BookingService, {
    async getBooking({ id }, { values }) {
      const booking = await getBooking(store, bookingIdOf(id), takeRequiredOwner(values), deadlineOf(values));
      return bookingMessage(booking);
    },

    async getUserBookings(request, { values }) {
      const userId = requireUserId(request.userId);
      const list: ListIdentity = ["bookings", userId];
      const before =
        request.pageToken === "" ? undefined : bookingIdOf(parseTokenId(decodePageToken(list, request.pageToken)[0]));
      const page = await pageUserBookings(store, userId, before, pageSizeOf(request.pageSize), deadlineOf(values));
      return {
        bookings: page.items.map(bookingMessage),
        nextPageToken: page.next === undefined ? "" : encodePageToken(list, [page.next.toString()]),
      };
    },

    async bookTickets(request, context) {
      const concertId = concertIdOf(request.concertId);
      const { ticketCount } = request;
      const userId = requireUserId(request.userId);
      const requestId = requestIdOf(request.requestId);
      const hasOwnKey = request.requestId !== "";
      const actor = actorOf(context.values, userId);
      const order = { kind: "book", concertId, userId, ticketCount, requestId, hasOwnKey, actor } as const;
      return bookingMessage(markReplay(await engine.submit(order, deadlineOf(context.values)), context));
    },

    async cancelBooking(request, context) {
      const { values } = context;
      const owner = takeRequiredOwner(values);
      const userId = owner === undefined ? undefined : requireUserId(owner);
      const requestId = requestIdOf(request.requestId);
      const order = { bookingId: bookingIdOf(request.id), userId, requestId, actor: actorOf(values, userId) };
      return bookingMessage(markReplay(await cancelBooking(store, engine, order, deadlineOf(values)), context));
    },
  });
}
