/** What the catalogue publishes. */
export interface ConcertEvents {
  /** The cache answered a read, or the database had to. */
  readonly "concerts.read": { readonly kind: "concert" | "page"; readonly isCached: boolean };
}
