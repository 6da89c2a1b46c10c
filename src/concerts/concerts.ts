import type { Concert, ConcertFilter, ConcertPosition } from "../domain/concert.ts";
import type { Deadline } from "../domain/deadline.ts";
import { DomainError } from "../domain/errors.ts";
import type { Page } from "../domain/page.ts";
import { findConcert, listConcerts } from "../store/concerts.ts";
import type { Store } from "../store/store.ts";

/** One concert; raises CONCERT_NOT_FOUND. */
export async function getConcert(store: Store, concertId: bigint, deadline: Deadline): Promise<Concert> {
  const concert = await store.read((db) => findConcert(db, concertId), deadline);
  if (!concert) throw new DomainError({ reason: "CONCERT_NOT_FOUND", concertId });
  return concert;
}

/** A page of concerts by (concertDate, id); `after` is the `next` of the page before. */
export async function pageConcerts(
  store: Store,
  filter: ConcertFilter,
  after: ConcertPosition | undefined,
  pageSize: number,
  deadline: Deadline,
): Promise<Page<Concert, ConcertPosition>> {
  // One more than asked for tells whether there is a next page.
  const found = await store.read((db) => listConcerts(db, filter, after, pageSize + 1), deadline);
  const items = found.slice(0, pageSize);
  const last = found.length > pageSize ? items.at(-1) : undefined;
  return { items, next: last && { concertDate: last.concertDate, id: last.id } };
}
