/** Holds that expire while users book. */
import { insertConcerts } from "./concerts.ts";
import type { BenchDatabase } from "./postgres.ts";
import { bookingRequests, type Protocol } from "./requests.ts";
import { plenty, type Variant } from "./subjects.ts";
import { verifyBookings, verifyOutcomes, WrongOutcomeError } from "./verify.ts";

/** A rush beside holds of the same concert that are all due in the middle of it, one ticket each. */
export function bookingBesideExpiry(protocol: Protocol, users: number, holds: number): Variant["prepare"] {
  return async ({ database }) => {
    const concertIds = await insertConcerts(database, 1, plenty);
    const ids = [concertIds.map(String)];
    return {
      ...bookingRequests({ protocol, users, concertOf: () => concertIds[0] as bigint }),
      beside: async ({ warmUpMs, measureMs }) => {
        await insertHolds(database, concertIds, holds, warmUpMs + measureMs / 2);
        return async () => {};
      },
      verify: async (result) => {
        verifyOutcomes(result, ["OK"]);
        await verifyBookings(database, concertIds, result);
        const [left] = await database.query(
          "select from bookings where concert_id = any($1) and status = 'held' limit 1",
          ids,
        );
        if (left) throw new WrongOutcomeError("tickets of holds that were due are not back on sale");
      },
    };
  };
}

async function insertHolds(
  database: BenchDatabase,
  concertIds: readonly bigint[],
  count: number,
  dueInMs: number,
): Promise<void> {
  const values = [concertIds.map(String), count];
  await database.query(
    `update concerts set available_tickets = available_tickets - $2, held_tickets = held_tickets + $2
     where id = any($1)`,
    values,
  );
  await database.query(
    `insert into bookings (concert_id, user_id, ticket_count, requested_count, unit_price, total_price, currency_code,
       booking_time, request_id, status, hold_expires_time)
     select id, 'holder-' || number, 1, 1, price, price, currency_code, now(), gen_random_uuid(), 'held',
       now() + $3 * interval '1 millisecond'
     from concerts, generate_series(1, $2::int) as number where id = any($1)`,
    [...values, dueInMs],
  );
}
