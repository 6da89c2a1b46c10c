import type { HandlerContext } from "@connectrpc/connect";
import { ConcertService } from "../../gen/frontrow/v1/concert_service_pb.ts";
import type { Catalogue, Freshness } from "../concerts/catalogue.ts";
import type { ConcertFilter } from "../domain/concert.ts";
import { concertIdOf } from "../domain/ids.ts";
import { wantsFresh } from "./cache-control.ts";
import { actorOf } from "./caller.ts";
import { deadlineOf } from "./interceptors/deadline.ts";
import { concertMessage } from "./messages.ts";
import { decodePageToken, encodePageToken, type ListIdentity, parseTokenId, parseTokenInstant } from "./page-token.ts";
import { preconditionOf } from "./preconditions.ts";
import { descriptionOf, filterOf, markReplay, pageSizeOf, requestIdOf } from "./requests.ts";
import { bindService, type ServiceBinding } from "./service.ts";

/** The catalogue's methods. */
export function bindConcertService(catalogue: Catalogue): ServiceBinding {
  return bindService(ConcertService, {
    async getConcert(request, context) {
      return concertMessage(await catalogue.get(concertIdOf(request.id), freshnessOf(context), deadlineOf(context)));
    },

    async listConcerts(request, context) {
      const filter = filterOf(request);
      const list = listIdentity(filter);
      const after = request.pageToken === "" ? undefined : positionFrom(decodePageToken(list, request.pageToken));
      const pageSize = pageSizeOf(request.pageSize);
      const page = await catalogue.page(filter, after, pageSize, freshnessOf(context), deadlineOf(context));
      return {
        concerts: page.items.map(concertMessage),
        nextPageToken: page.next
          ? encodePageToken(list, [page.next.concertDate.toString(), page.next.id.toString()])
          : "",
      };
    },

    async createConcert(request, context) {
      const requestId = requestIdOf(request.requestId);
      const created = await catalogue.create(descriptionOf(request), requestId, actorOf(context), deadlineOf(context));
      return concertMessage(markReplay(created, context));
    },

    async updateConcert(request, context) {
      const id = concertIdOf(request.id);
      const { version = 0 } = request;
      const expected = { version, precondition: preconditionOf(context) };
      const description = descriptionOf(request);
      return concertMessage(await catalogue.update(id, expected, description, actorOf(context), deadlineOf(context)));
    },
  });
}

function freshnessOf({ requestHeader }: HandlerContext): Freshness {
  return wantsFresh(requestHeader) ? "fresh" : "cached";
}

function positionFrom([concertDate, id]: string[]) {
  return { concertDate: parseTokenInstant(concertDate), id: concertIdOf(parseTokenId(id)) };
}

function listIdentity(filter: ConcertFilter): ListIdentity {
  const { artist, venue, name, dateFrom, dateTo, availableOnly, bookingOpenOnly } = filter;
  return [
    "concerts",
    ...[artist, venue, name].map((text) => text?.toLowerCase()),
    dateFrom?.toString(),
    dateTo?.toString(),
    availableOnly,
    bookingOpenOnly,
  ];
}
