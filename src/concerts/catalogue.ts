import type { Actor } from "../domain/change.ts";
import {
  type Concert,
  type ConcertDescription,
  type ConcertFilter,
  type ConcertPosition,
  isSearch,
} from "../domain/concert.ts";
import type { Deadline } from "../domain/deadline.ts";
import { DomainError } from "../domain/failure.ts";
import type { Page } from "../domain/page.ts";
import type { Replayable } from "../domain/replayable.ts";
import { listConcerts } from "../store/concert-search.ts";
import { findConcert } from "../store/concerts.ts";
import type { Store } from "../store/store.ts";
import type { ConcertCache } from "./cache.ts";
import { createConcert } from "./create.ts";
import { type ExpectedVersion, updateConcert } from "./update.ts";

/** How new a read has to be: at most a second old, or read for this call. */
export type Freshness = "cached" | "fresh";

/** The concerts: what there is, and what organizers make of it. */
export interface Catalogue {
  /** One concert; raises CONCERT_NOT_FOUND. */
  get(concertId: bigint, freshness: Freshness, deadline: Deadline): Promise<Concert>;
  /** A page of concerts by (concertDate, id); `after` is the `next` of the page before. */
  page(
    filter: ConcertFilter,
    after: ConcertPosition | undefined,
    pageSize: number,
    freshness: Freshness,
    deadline: Deadline,
  ): Promise<Page<Concert, ConcertPosition>>;
  /** See `createConcert`. */
  create(
    description: ConcertDescription,
    requestId: string,
    actor: Actor,
    deadline: Deadline,
  ): Promise<Replayable<Concert>>;
  /** See `updateConcert`. */
  update(
    concertId: bigint,
    expected: ExpectedVersion,
    description: ConcertDescription,
    actor: Actor,
    deadline: Deadline,
  ): Promise<Concert>;
}

/** `concertChanged` hears of every concert that is updated, so that the cache and the engine do. */
export function createCatalogue(
  store: Store,
  cache: ConcertCache,
  concertChanged: (concertId: bigint, concert: Concert | undefined) => void,
): Catalogue {
  return {
    async get(concertId, freshness, deadline) {
      const load = (within: Deadline) => store.read((db) => findConcert(db, concertId), within);
      const concert =
        freshness === "fresh" ? await load(deadline) : await cache.concert(concertId, () => load(forAll()));
      if (!concert) throw new DomainError({ reason: "CONCERT_NOT_FOUND", concertId });
      return concert;
    },

    page(filter, after, pageSize, freshness, deadline) {
      const read = isSearch(filter) ? store.search : store.read;
      const load = (within: Deadline) => read((db) => listConcerts(db, filter, after, pageSize), within);
      const key = () => JSON.stringify([filter, after?.concertDate, after?.id.toString(), pageSize]);
      return freshness === "fresh" ? load(deadline) : cache.page(key(), () => load(forAll()));
    },

    async create(description, requestId, actor, deadline) {
      const created = await createConcert(store, description, requestId, actor, deadline);
      // Somebody may have looked for it before it came.
      cache.concertChanged(created.value.id, undefined);
      return created;
    },

    async update(concertId, expected, description, actor, deadline) {
      try {
        return await updateConcert(store, concertId, expected, description, actor, deadline);
      } finally {
        // Also when it failed: it may have been stored all the same. A booking may have been committed since.
        concertChanged(concertId, undefined);
      }
    },
  };
}

/** The deadline of a read that many callers share: it ends for none of them alone. */
function forAll(): Deadline {
  return { signal: new AbortController().signal, begun: false };
}
