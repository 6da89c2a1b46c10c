/** Finds where bookings are, for changes of them. */
import { type Kysely, sql } from "kysely";
import type { Booking } from "../domain/booking.ts";
import { monotonicClock } from "../domain/clock.ts";
import { type Deadline, isOver, notAwaited } from "../domain/deadline.ts";
import { type BookingId, bookingIdOf, concertIdOf } from "../domain/ids.ts";
import type { DB } from "./tables.ts";

/** A booking's concert and its owner, which no change of it alters. */
export type BookingPlace = Pick<Booking, "concertId" | "userId">;

/** Finds the place of a booking; undefined if there is no such booking. */
export type PlaceFinder = (id: BookingId, deadline: Deadline) => Promise<BookingPlace | undefined>;

interface Lookup {
  readonly id: BookingId;
  readonly deadline: Deadline;
  readonly resolve: (place: BookingPlace | undefined) => void;
  readonly reject: (error: unknown) => void;
}

type Read = <Result>(work: (db: Kysely<DB>) => Promise<Result>, deadline: Deadline) => Promise<Result>;

const maxIds = 1_000;

/**
 * Lookups of the same turn of the event loop are one statement: a statement for
 * each confirmation of a rush would cost as much as the batches that confirm.
 */
export function createPlaceFinder(read: Read): PlaceFinder {
  let waiting: Lookup[] = [];

  async function findAll(): Promise<void> {
    const lookups = waiting.filter((lookup) => isAwaited(lookup));
    waiting = [];
    const [first] = lookups;
    if (!first) return;
    try {
      const ids = lookups.map(({ id }) => id);
      const places = await read((db) => findPlaces(db, ids), latest(lookups.map(({ deadline }) => deadline)));
      for (const { id, resolve } of lookups) resolve(places.get(id));
    } catch (error) {
      for (const { reject } of lookups) reject(error);
    }
  }

  return (id, deadline) => {
    const { promise, resolve, reject } = Promise.withResolvers<BookingPlace | undefined>();
    if (waiting.length === 0) setImmediate(findAll);
    waiting.push({ id, deadline, resolve, reject });
    if (waiting.length === maxIds) void findAll();
    return promise;
  };
}

function isAwaited({ deadline, reject }: Lookup): boolean {
  if (!isOver(deadline, monotonicClock)) return true;
  reject(notAwaited());
  return false;
}

/** The deadline of work for several callers. Each caller's own deadline ends its call. */
function latest([first, ...others]: readonly Deadline[]): Deadline {
  if (first && others.length === 0) return first;
  const expiresAtMs = Math.max(...[first, ...others].map((deadline) => deadline?.expiresAtMs ?? 0));
  return { signal: new AbortController().signal, expiresAtMs };
}

/**
 * The range says nothing new, but PostgreSQL takes a range for a small part of a table that it has no statistics of, as after a
 * restore. It takes several hundred ids for a large part, and reads the whole table.
 */
async function findPlaces(db: Kysely<DB>, ids: readonly BookingId[]): Promise<Map<BookingId, BookingPlace>> {
  const least = ids.reduce((one, other) => (other < one ? other : one));
  const greatest = ids.reduce((one, other) => (other > one ? other : one));
  const rows = await db
    .selectFrom("bookings")
    .select(["id", "concert_id", "user_id"])
    .where("id", "=", sql<bigint>`any(${ids}::bigint[])`)
    .where("id", ">=", least)
    .where("id", "<=", greatest)
    .execute();
  return new Map(
    rows.map((row) => [bookingIdOf(row.id), { concertId: concertIdOf(row.concert_id), userId: row.user_id }]),
  );
}
