/** Whether the counters of concerts agree with their bookings, and how many holds there are. */
import { type Kysely, sql } from "kysely";
import { type ConcertId, concertIdOf } from "../domain/ids.ts";
import type { DB } from "./tables.ts";

/** What one statement reads at most. `maxBookings` is the larger one. */
export interface InventoryBounds {
  readonly maxConcerts: number;
  /** Live bookings, as they are stored: the counters of concerts may be wrong. */
  readonly maxBookings: number;
}

/** A stretch of the concerts, from the newest one down. */
export interface InventoryStretch {
  /** The oldest concert of the stretch; undefined if there is none below it. */
  readonly lastId: ConcertId | undefined;
  /**
   * Concerts whose counters do not agree with their bookings. Undefined if the stretch is one concert, which was not compared,
   * for instance because it has too many bookings.
   */
  readonly mismatched: readonly ConcertId[] | undefined;
}

/**
 * Compares the newest concerts below an id with the sums of their bookings. One statement sees one snapshot, in which the sums
 * must agree, whatever is being booked.
 */
export async function compareInventory(
  db: Kysely<DB>,
  below: ConcertId,
  { maxConcerts, maxBookings }: InventoryBounds,
): Promise<InventoryStretch> {
  // The LIMIT of the inner join keeps PostgreSQL from joining all bookings at once: it reads concert by concert, until it has
  // as many rows as the outer LIMIT. min() has the one value of all rows of a concert.
  const { rows: concerts } = await sql<{ readonly id: bigint; readonly rows: number; readonly isMismatched: boolean }>`
    select id, count(*)::integer as rows,
      coalesce(sum(ticket_count) filter (where status = 'held'), 0) <> min(held_tickets)
        or coalesce(sum(ticket_count), 0) + min(available_tickets) <> min(total_tickets) as "isMismatched"
    from (
      select next.*, live.* from (
        select id, total_tickets, available_tickets, held_tickets from concerts
        where id < ${below} order by id desc limit ${sql.lit(maxConcerts)}
      ) as next left join lateral (
        select ticket_count, status from bookings
        where concert_id = next.id and status in ('held', 'confirmed')
        limit ${sql.lit(maxBookings + 1)}
      ) as live on true
      order by id desc limit ${sql.lit(maxBookings + 1)}
    ) as stretch
    group by id order by id desc`.execute(db);
  const isCut = concerts.reduce((sum, { rows }) => sum + rows, 0) > maxBookings;
  // The rest of the last one's bookings may be missing. It begins the next stretch.
  const whole = isCut ? concerts.slice(0, -1) : concerts;
  const isSkipped = isCut && whole.length === 0;
  const last = isSkipped ? concerts[0] : whole.at(-1);
  const hasMore = isCut || concerts.length === maxConcerts;
  return {
    lastId: hasMore && last ? concertIdOf(last.id) : undefined,
    mismatched: isSkipped
      ? undefined
      : whole.filter(({ isMismatched }) => isMismatched).map(({ id }) => concertIdOf(id)),
  };
}

/** The newest concert below an id. */
export async function findConcertBelow(db: Kysely<DB>, below: ConcertId): Promise<ConcertId | undefined> {
  const query = db.selectFrom("concerts").select("id").where("id", "<", below).orderBy("id", "desc").limit(1);
  const concert = await query.executeTakeFirst();
  return concert && concertIdOf(concert.id);
}

/** Holds by the database's clock, each number up to its bound. */
export interface HoldCounts {
  /** Not yet due, at most 100,000. */
  readonly live: number;
  /** Due and not yet expired, at most 10,000. */
  readonly overdue: number;
}

/** Counts the holds of all concerts. */
export async function countHolds(db: Kysely<DB>): Promise<HoldCounts> {
  // All of bookings_due_idx's condition, so that PostgreSQL may choose it.
  const holds = sql`select from bookings where status = 'held' and hold_expires_time > '-infinity'`;
  const { rows } = await sql<HoldCounts>`select
      (select count(*)::integer from (${holds} and hold_expires_time > now() limit 100000) as holds) as live,
      (select count(*)::integer from (${holds} and hold_expires_time <= now() limit 10000) as holds) as overdue`.execute(
    db,
  );
  return rows[0] ?? { live: 0, overdue: 0 };
}
