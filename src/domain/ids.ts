/** Ids of resources, as types that cannot be confused. A bigint becomes one where a request or a row is read. */

declare const resource: unique symbol;

type Id<Resource extends string> = bigint & { readonly [resource]: Resource };

export type ConcertId = Id<"concert">;
export type BookingId = Id<"booking">;

export function concertIdOf(value: bigint): ConcertId {
  return value as ConcertId;
}

export function bookingIdOf(value: bigint): BookingId {
  return value as BookingId;
}
