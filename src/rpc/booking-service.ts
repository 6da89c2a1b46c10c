import { BookingService } from "../../gen/frontrow/v1/booking_service_pb.ts";
import { cancelBooking } from "../booking/cancel.ts";
import type { BookingEngine } from "../booking/engine.ts";
import { getBooking, pageUserBookings } from "../booking/queries.ts";
import { bookingIdOf, concertIdOf } from "../domain/ids.ts";
import type { Store } from "../store/store.ts";
import { actorOf } from "./caller.ts";
import { deadlineOf } from "./interceptors/deadline.ts";
import { bookingMessage } from "./messages.ts";
import { takeRequiredOwner } from "./ownership.ts";
import { decodePageToken, encodePageToken, type ListIdentity, parseTokenId } from "./page-token.ts";
import { markReplay, pageSizeOf, requestIdOf, requireUserId } from "./requests.ts";
import { bindService, type ServiceBinding } from "./service.ts";

/** The bookings' methods: reads over a store, changes through the engine. */
export function bindBookingService(store: Store, engine: BookingEngine): ServiceBinding {
  return bindService(BookingService, {
    async getBooking(request, context) {
      return bookingMessage(
        await getBooking(store, bookingIdOf(request.id), takeRequiredOwner(context), deadlineOf(context)),
      );
    },

    async getUserBookings(request, context) {
      const userId = requireUserId(request.userId);
      const list: ListIdentity = ["bookings", userId];
      const before =
        request.pageToken === "" ? undefined : bookingIdOf(parseTokenId(decodePageToken(list, request.pageToken)[0]));
      const page = await pageUserBookings(store, userId, before, pageSizeOf(request.pageSize), deadlineOf(context));
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
      const actor = actorOf(context, userId);
      const order = { kind: "book", concertId, userId, ticketCount, requestId, hasOwnKey, actor } as const;
      return bookingMessage(markReplay(await engine.submit(order, deadlineOf(context)), context));
    },

    async cancelBooking(request, context) {
      const owner = takeRequiredOwner(context);
      const userId = owner === undefined ? undefined : requireUserId(owner);
      const requestId = requestIdOf(request.requestId);
      const actor = actorOf(context, userId);
      const order = { bookingId: bookingIdOf(request.id), userId, requestId, actor };
      return bookingMessage(markReplay(await cancelBooking(store, engine, order, deadlineOf(context)), context));
    },
  });
}
