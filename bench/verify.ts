/** Compares what is stored with what was answered: a run that oversold, lost or doubled a booking has no figures. */
import type { LoadResult } from "./load/spec.ts";
import type { BenchDatabase } from "./postgres.ts";

/** A run whose outcome is wrong. */
export class WrongOutcomeError extends Error {
  override readonly name = "WrongOutcomeError";
}

/** Checkouts from before holds have no column of held tickets. */
const brokenConcerts = `
  select * from (
    select c.id, c.total_tickets, c.available_tickets, coalesce((to_jsonb(c) ->> 'held_tickets')::int, 0) as held_tickets,
      coalesce(sum(b.ticket_count) filter (where b.status = 'confirmed'), 0)::int as confirmed,
      coalesce(sum(b.ticket_count) filter (where b.status = 'held'), 0)::int as held
    from concerts c left join bookings b on b.concert_id = c.id
    where c.id = any($1::bigint[])
    group by c.id
  ) as found
  where available_tickets + held_tickets + confirmed <> total_tickets or held_tickets <> held
    or available_tickets < 0 or held_tickets < 0`;

const doubledKeys = `
  select concert_id, user_id, request_id, count(*) from bookings where concert_id = any($1::bigint[])
  group by concert_id, user_id, request_id having count(*) > 1`;

/** The concerts' bookings of a status are those that were answered, each once, and the tickets of all add up. */
export async function verifyBookings(
  database: BenchDatabase,
  concertIds: readonly bigint[],
  { all, bookingIds }: Pick<LoadResult, "all" | "bookingIds">,
  status: "confirmed" | "held" = "confirmed",
): Promise<void> {
  const ids = [concertIds.map(String)];
  const broken = await database.query(brokenConcerts, ids);
  if (broken.length > 0) throw new WrongOutcomeError(`tickets do not add up: ${JSON.stringify(broken)}`);
  const doubled = await database.query(doubledKeys, ids);
  if (doubled.length > 0) throw new WrongOutcomeError(`keys with several bookings: ${JSON.stringify(doubled)}`);

  const rows = await database.query<{ id: string }>(
    "select id from bookings where concert_id = any($1::bigint[]) and status = $2",
    [...ids, status],
  );
  const stored = new Set(rows.map(({ id }) => Number(id)));
  const answered = new Set(bookingIds);
  const succeeded = all.OK ?? 0;
  if (bookingIds.length !== succeeded) {
    throw new WrongOutcomeError(`${succeeded} bookings were ${status}, but ${bookingIds.length} ids could be read`);
  }
  if (answered.size !== succeeded) {
    throw new WrongOutcomeError(`${succeeded} bookings were ${status}, with ${answered.size} different ids`);
  }
  const lost = answered.difference(stored).size;
  const unanswered = stored.difference(answered).size;
  if (lost > 0) throw new WrongOutcomeError(`${lost} ${status} bookings are not stored`);
  // A response with DEADLINE_EXCEEDED says that the booking may have been stored.
  if (unanswered > (all.DEADLINE_EXCEEDED ?? 0))
    throw new WrongOutcomeError(`${unanswered} bookings are stored that no response has confirmed`);
}

/** Every answer was one of those, and no other. */
export function verifyOutcomes({ all }: Pick<LoadResult, "all">, expected: readonly string[]): void {
  const others = Object.keys(all).filter((outcome) => !expected.includes(outcome));
  if (others.length > 0) throw new WrongOutcomeError(`unexpected answers: ${JSON.stringify(all)}`);
}
