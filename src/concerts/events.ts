/** What the catalogue publishes. */
export interface ConcertEvents {
  /** A read was answered by the cache, or by the database. */
  readonly "concerts.read": { readonly isCached: boolean };
}
