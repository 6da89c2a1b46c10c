import { ConcertService } from "../../gen/frontrow/v1/concert_service_pb.ts";
import type { Catalogue, Freshness } from "../concerts/catalogue.ts";
import type { ConcertFilter } from "../domain/concert.ts";
import { concertIdOf } from "../domain/ids.ts";
import { actorOf, deadlineOf } from "./call-context.ts";
import {
  concertMessage,
  descriptionOf,
  descriptionUpdateOf,
  filterOf,
  markReplay,
  pageSizeOf,
  requestIdOf,
} from "./convert.ts";
import { decodePageToken, encodePageToken, type ListIdentity, parseTokenId, parseTokenInstant } from "./page-token.ts";
import { preconditionOf, wantsFresh } from "./request-headers.ts";
import { bindService, type ServiceBinding } from "./service.ts";

/** The methods of the catalogue. */
export function bindConcertService(catalogue: Catalogue): ServiceBinding {
  return bindService(ConcertService, {
    async getConcert({ id }, { values, requestHeader }) {
      return concertMessage(await catalogue.get(concertIdOf(id), freshnessOf(requestHeader), deadlineOf(values)));
    },

    async listConcerts(request, { values, requestHeader }) {
      const filter = filterOf(request);
      const list = listIdentity(filter);
      const after = request.pageToken === "" ? undefined : positionFrom(decodePageToken(list, request.pageToken));
      const pageSize = pageSizeOf(request.pageSize);
      const page = await catalogue.page(filter, after, pageSize, freshnessOf(requestHeader), deadlineOf(values));
      return {
        concerts: page.items.map(concertMessage),
        nextPageToken: page.next
          ? encodePageToken(list, [page.next.concertDate.toString(), page.next.id.toString()])
          : "",
      };
    },

    async createConcert(request, context) {
      const { values } = context;
      const requestId = requestIdOf(request.requestId);
      const created = await catalogue.create(descriptionOf(request), requestId, actorOf(values), deadlineOf(values));
      return concertMessage(markReplay(created, context));
    },

    async updateConcert(request, { values, requestHeader }) {
      const id = concertIdOf(request.id);
      const { version = 0 } = request;
      const expected = { version, precondition: preconditionOf(requestHeader) };
      const update = descriptionUpdateOf(request);
      return concertMessage(await catalogue.update(id, expected, update, actorOf(values), deadlineOf(values)));
    },
  });
}

function freshnessOf(header: Headers): Freshness {
  return wantsFresh(header) ? "fresh" : "cached";
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
