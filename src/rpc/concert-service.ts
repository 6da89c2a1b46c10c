import { ConcertService } from "../../gen/frontrow/v1/concert_service_pb.ts";
import { getConcert, pageConcerts } from "../concerts/concerts.ts";
import { createConcert } from "../concerts/create.ts";
import { updateConcert } from "../concerts/update.ts";
import type { ConcertFilter } from "../domain/concert.ts";
import type { Store } from "../store/store.ts";
import { deadlineOf } from "./interceptors/deadline.ts";
import { concertMessage } from "./messages.ts";
import { decodePageToken, encodePageToken, type ListIdentity, parseTokenId, parseTokenInstant } from "./page-token.ts";
import { descriptionOf, filterOf, markReplay, pageSizeOf, requestIdOf } from "./requests.ts";
import { bindService, type ServiceBinding } from "./service.ts";

/** The catalogue's methods over a store. */
export function bindConcertService(store: Store): ServiceBinding {
  return bindService(ConcertService, {
    async getConcert(request, context) {
      return concertMessage(await getConcert(store, request.id, deadlineOf(context)));
    },

    async listConcerts(request, context) {
      const filter = filterOf(request);
      const list = listIdentity(filter);
      const after = request.pageToken === "" ? undefined : positionFrom(decodePageToken(list, request.pageToken));
      const page = await pageConcerts(store, filter, after, pageSizeOf(request.pageSize), deadlineOf(context));
      return {
        concerts: page.items.map(concertMessage),
        nextPageToken: page.next
          ? encodePageToken(list, [page.next.concertDate.toString(), page.next.id.toString()])
          : "",
      };
    },

    async createConcert(request, context) {
      const requestId = requestIdOf(request.requestId);
      const created = await createConcert(store, descriptionOf(request), requestId, deadlineOf(context));
      return concertMessage(markReplay(created, context));
    },

    async updateConcert(request, context) {
      const { id, version = 0 } = request;
      return concertMessage(await updateConcert(store, id, version, descriptionOf(request), deadlineOf(context)));
    },
  });
}

function positionFrom([concertDate, id]: string[]) {
  return { concertDate: parseTokenInstant(concertDate), id: parseTokenId(id) };
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
