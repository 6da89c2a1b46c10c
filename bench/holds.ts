/** Holds that expire while users book. */
import { setTimeout as delay } from "node:timers/promises";
import { insertConcerts } from "./concerts.ts";
import type { BenchDatabase } from "./postgres.ts";
import { bookingRequests, type Protocol } from "./requests.ts";
import { plenty, type Variant } from "./subjects.ts";
import { verifyBookings, verifyOutcomes, WrongOutcomeError } from "./verify.ts";

const pollEveryMs = 100;
const maxPolls = 100;

/** A rush beside holds of the same concert that are all due during it, one ticket each. */
export function bookingBesideExpiry(protocol: Protocol, users: number, holds: number): Variant["prepare"] {
  return async ({ database }) => {
    const concertIds = await insertConcerts(database, 1, plenty);
    return {
      ...bookingRequests({ protocol, users, concertOf: () => concertIds[0] as bigint }),
      beside: async ({ warmUpMs, measureMs }) => {
        await insertHolds(database, concertIds, holds, warmUpMs + measureMs / 4);
        return async () => {};
      },
      verify: async (result) => {
        verifyOutcomes(result, ["OK"]);
        // Without more bookings of the concert the sweeper expires what is left.
        for (let poll = 0; poll < maxPolls && (await holdsAreLeft(database, concertIds)); poll++)
          await delay(pollEveryMs);
        if (await holdsAreLeft(database, concertIds))
          throw new WrongOutcomeError("tickets of holds that were due are not back on sale");
        await verifyBookings(database, concertIds, result);
      },
    };
  };
}

async function holdsAreLeft(database: BenchDatabase, concertIds: readonly bigint[]): Promise<boolean> {
  const held = "select from bookings where concert_id = any($1) and status = 'held' limit 1";
  return (await database.query(held, [concertIds.map(String)])).length > 0;
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
