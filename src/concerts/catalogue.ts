import type { Actor } from "../domain/change.ts";
import {
  type Concert,
  type ConcertDescription,
  type ConcertFilter,
  type ConcertPosition,
  type DescriptionUpdate,
  isSearch,
} from "../domain/concert.ts";
import { type ChangeDeadline, type Deadline, endlessDeadline } from "../domain/deadline.ts";
import { DomainError } from "../domain/failure.ts";
import type { ConcertId } from "../domain/ids.ts";
import { listConcerts } from "../store/concert-search.ts";
import { findConcert } from "../store/concerts.ts";
import type { Store } from "../store/store.ts";
import type { ConcertCache, ConcertPage } from "./cache.ts";
import { createConcert } from "./create.ts";
import { type ExpectedVersion, updateConcert } from "./update.ts";

/** How new a read must be: at most a second old, or read for this call. */
export type Freshness = "cached" | "fresh";

/** The concerts: what visitors read and organizers write. */
export type Catalogue = ReturnType<typeof createCatalogue>;

/** `concertChanged` is called for every concert that is updated, for the cache and the engine. */
export function createCatalogue(
  store: Store,
  cache: ConcertCache,
  concertChanged: (concertId: ConcertId, concert: Concert | undefined) => void,
) {
  return {
    /** One concert; raises CONCERT_NOT_FOUND. */
    async get(concertId: ConcertId, freshness: Freshness, deadline: Deadline): Promise<Concert> {
      const load = (within: Deadline) => store.read((db) => findConcert(db, concertId), within);
      const concert =
        freshness === "fresh" ? await load(deadline) : await cache.concert(concertId, () => load(endlessDeadline()));
      if (!concert) throw new DomainError({ reason: "CONCERT_NOT_FOUND", concertId });
      return concert;
    },

    /** A page of concerts by (concertDate, id); `after` is the `next` of the page before. */
    page(
      filter: ConcertFilter,
      after: ConcertPosition | undefined,
      pageSize: number,
      freshness: Freshness,
      deadline: Deadline,
    ): Promise<ConcertPage> {
      const read = isSearch(filter) ? store.search : store.read;
      const load = (within: Deadline) => read((db) => listConcerts(db, filter, after, pageSize), within);
      const key = () => JSON.stringify([filter, after?.concertDate, after?.id.toString(), pageSize]);
      return freshness === "fresh" ? load(deadline) : cache.page(key(), () => load(endlessDeadline()));
    },

    /** See `createConcert`. */
    async create(description: ConcertDescription, requestId: string, actor: Actor, deadline: ChangeDeadline) {
      const created = await createConcert(store, description, requestId, actor, deadline);
      // A read before the creation may have cached that there is no such concert.
      cache.concertChanged(created.value.id, undefined);
      return created;
    },

    /** See `updateConcert`. */
    async update(
      concertId: ConcertId,
      expected: ExpectedVersion,
      update: DescriptionUpdate,
      actor: Actor,
      deadline: ChangeDeadline,
    ) {
      try {
        return await updateConcert(store, concertId, expected, update, actor, deadline);
      } finally {
        // Also after an error: the update may be stored. And a booking may have been committed since.
        concertChanged(concertId, undefined);
      }
    },
  };
}
