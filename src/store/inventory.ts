/** Whether the counters of concerts agree with their bookings. */
import { type Kysely, sql } from "kysely";
import { type ConcertId, concertIdOf } from "../domain/ids.ts";
import type { DB } from "./tables.ts";

/** Concerts of one statement. */
const maxConcerts = 200;
/**
 * Bookings of one statement, as the concerts' counters have them: each booking has a ticket or more. A concert that has sold
 * more is left out.
 */
const maxBookings = 200_000;
/** Holds that are counted at most. */
const maxDueHolds = 10_000;

/** A stretch of the concerts, in the order of their ids. */
export interface InventoryStretch {
  /** The last concert of the stretch; undefined if no concert comes after it. */
  readonly lastId: ConcertId | undefined;
  /** Concerts whose counters do not agree with their bookings. */
  readonly mismatched: readonly ConcertId[];
  /** Concerts that were left out, because they have too many bookings. */
  readonly skipped: number;
  readonly heldTickets: number;
}

/**
 * Compares concerts that follow `after` with the sums of their bookings. One statement sees one snapshot, in which
 * the sums must agree, whatever is being booked.
 */
export async function compareInventory(db: Kysely<DB>, after: ConcertId): Promise<InventoryStretch> {
  const { rows } = await sql<{
    readonly id: bigint;
    readonly heldTickets: number;
    readonly isLast: boolean;
    readonly isSkipped: boolean;
    readonly isMismatched: boolean;
  }>`with next as (
      select id, total_tickets, available_tickets, held_tickets, total_tickets - available_tickets as sold
      from concerts where id > ${after} order by id limit ${sql.lit(maxConcerts)}
    ), counted as (
      select *, sum(sold) over (order by id) - sold as sold_before from next
    )
    select id, held_tickets as "heldTickets", sold > ${sql.lit(maxBookings)} as "isSkipped",
      coalesce(held <> held_tickets or available_tickets + held + confirmed <> total_tickets, false) as "isMismatched",
      id = (select max(id) from next) and (select count(*) from next) < ${sql.lit(maxConcerts)} as "isLast"
    from counted left join lateral (
      select coalesce(sum(ticket_count) filter (where status = 'held'), 0) as held,
        coalesce(sum(ticket_count) filter (where status = 'confirmed'), 0) as confirmed
      from (
        select ticket_count, status from bookings
        where concert_id = counted.id and status in ('held', 'confirmed')
        limit ${sql.lit(maxBookings + 1)}
      ) as live
    ) as sums on sold <= ${sql.lit(maxBookings)}
    where sold_before < ${sql.lit(maxBookings)}
    order by id`.execute(db);
  const last = rows.at(-1);
  return {
    lastId: last === undefined || last.isLast ? undefined : concertIdOf(last.id),
    mismatched: rows.filter(({ isMismatched }) => isMismatched).map(({ id }) => concertIdOf(id)),
    skipped: rows.filter(({ isSkipped }) => isSkipped).length,
    heldTickets: rows.reduce((sum, { heldTickets }) => sum + heldTickets, 0),
  };
}

/** How many holds are due by the database's clock and not yet expired, at most 10,000. */
export async function countDueHolds(db: Kysely<DB>): Promise<number> {
  const { rows } = await sql<{ readonly due: number }>`select count(*)::integer as due from (
      select 1 from bookings
      where status = 'held' and hold_expires_time > '-infinity' and hold_expires_time <= now()
      limit ${sql.lit(maxDueHolds)}
    ) as holds`.execute(db);
  return rows[0]?.due ?? 0;
}
