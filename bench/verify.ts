/** Compares what is stored with what was answered: a run that oversold, lost or doubled a booking has no figures. */
import type { LoadResult } from "./load/spec.ts";
import type { BenchDatabase } from "./postgres.ts";

/** A run whose outcome is wrong. */
export class WrongOutcomeError extends Error {
  override readonly name = "WrongOutcomeError";
}

const brokenConcerts = `
  select c.id, c.total_tickets, c.available_tickets, c.held_tickets,
    coalesce(sum(b.ticket_count) filter (where b.status = 'held'), 0)::int as held,
    coalesce(sum(b.ticket_count) filter (where b.status = 'confirmed'), 0)::int as confirmed
  from concerts c left join bookings b on b.concert_id = c.id and b.status in ('held', 'confirmed')
  where c.id = any($1::bigint[])
  group by c.id
  having c.available_tickets + coalesce(sum(b.ticket_count), 0) <> c.total_tickets or c.available_tickets < 0
    or c.held_tickets <> coalesce(sum(b.ticket_count) filter (where b.status = 'held'), 0)`;

const doubledKeys = `
  select concert_id, user_id, request_id, count(*) from bookings where concert_id = any($1::bigint[])
  group by concert_id, user_id, request_id having count(*) > 1`;

/** The concerts' bookings are those that were answered, each once, and their tickets add up. */
export async function verifyBookings(
  database: BenchDatabase,
  concertIds: readonly bigint[],
  { all, bookingIds }: Pick<LoadResult, "all" | "bookingIds">,
): Promise<void> {
  const ids = [concertIds.map(String)];
  const broken = await database.query(brokenConcerts, ids);
  if (broken.length > 0) throw new WrongOutcomeError(`tickets do not add up: ${JSON.stringify(broken)}`);
  const doubled = await database.query(doubledKeys, ids);
  if (doubled.length > 0) throw new WrongOutcomeError(`keys with several bookings: ${JSON.stringify(doubled)}`);

  const rows = await database.query<{ id: string }>(
    "select id from bookings where concert_id = any($1::bigint[]) and status = 'confirmed'",
    ids,
  );
  const stored = new Set(rows.map(({ id }) => Number(id)));
  const answered = new Set(bookingIds);
  const confirmed = all.OK ?? 0;
  if (bookingIds.length !== confirmed) {
    throw new WrongOutcomeError(`${confirmed} bookings were confirmed, but ${bookingIds.length} ids could be read`);
  }
  if (answered.size !== confirmed) {
    throw new WrongOutcomeError(`${confirmed} bookings were confirmed, with ${answered.size} different ids`);
  }
  const lost = answered.difference(stored).size;
  const unanswered = stored.difference(answered).size;
  if (lost > 0) throw new WrongOutcomeError(`${lost} confirmed bookings are not stored`);
  // A response with DEADLINE_EXCEEDED says that the booking may have been stored.
  if (unanswered > (all.DEADLINE_EXCEEDED ?? 0))
    throw new WrongOutcomeError(`${unanswered} bookings are stored that no response has confirmed`);
}

/** Every answer was one of those, and no other. */
export function verifyOutcomes({ all }: Pick<LoadResult, "all">, expected: readonly string[]): void {
  const others = Object.keys(all).filter((outcome) => !expected.includes(outcome));
  if (others.length > 0) throw new WrongOutcomeError(`unexpected answers: ${JSON.stringify(all)}`);
}
