/** A catalogue of a million concerts with two million bookings, and lists of it. */

import type { BenchDatabase } from "./postgres.ts";
import { listConcertsRequests, userBookingsRequests } from "./requests.ts";
import { allAnswered, type Stage, type Subject, subject } from "./subjects.ts";
import { WrongOutcomeError } from "./verify.ts";

const concerts = 1_000_000;
const searchedConcerts = 150_000;
const bookingsAConcert = 2;
const users = 100_000;
const pageSize = 100;
const lastPage = concerts / pageSize;
/** Enough different users that the database's cache does not have just their pages. */
const askedUsers = 5_000;

/** Fills an empty database. Takes a minute or more. */
export async function insertLargeCatalogue(database: BenchDatabase): Promise<void> {
  const restore = await dropSearchIndexes(database);
  await database.query(
    `insert into concerts (name, artist, venue, concert_date, total_tickets, available_tickets, price,
       booking_start_time, booking_end_time)
     select 'Concert ' || number, 'Artist ' || number % 50000, 'Venue ' || number % 5000,
       timestamptz '2030-01-01' + number * interval '1 minute', 1000, 1000 - $2::int, 50,
       timestamptz '2020-01-01', timestamptz '2029-12-31'
     from generate_series(1, $1::int) as number`,
    [concerts, bookingsAConcert],
  );
  await restore();
  await database.query(
    `insert into bookings (concert_id, user_id, ticket_count, unit_price, total_price, currency_code, booking_time, request_id)
     select concerts.id, 'user-' || (concerts.id * 7919 + number) % $2::int, 1, price, price, currency_code, now(),
       gen_random_uuid()
     from generate_series(1, $1::int) as number, concerts`,
    [bookingsAConcert, users],
  );
  await database.query("vacuum (analyze)");
}

/** Fills an empty database with concerts whose texts have many trigrams in common. */
export async function insertSearchedCatalogue(database: BenchDatabase): Promise<void> {
  const restore = await dropSearchIndexes(database);
  await database.query(
    `insert into concerts (name, artist, venue, concert_date, total_tickets, available_tickets, price,
       booking_start_time, booking_end_time)
     select 'Tour Night ' || number, 'The Artist ' || number % 5000, 'Hall Venue ' || number % 500,
       timestamptz '2030-01-01' + number * interval '1 minute', 1000, 1000, 50,
       timestamptz '2020-01-01', timestamptz '2029-12-31'
     from generate_series(1, $1::int) as number`,
    [searchedConcerts],
  );
  await restore();
  await database.query("vacuum (analyze) concerts");
}

/** Building an index once is several times faster than growing it row by row. */
async function dropSearchIndexes(database: BenchDatabase): Promise<() => Promise<void>> {
  const indexes = await database.query<{ name: string; definition: string }>(
    `select indexname as name, indexdef as definition from pg_indexes
     where tablename = 'concerts' and indexdef like '%using gin%' or indexdef like '%USING gin%'`,
  );
  for (const { name } of indexes) await database.query(`drop index ${name}`);
  return async () => {
    for (const { definition } of indexes) await database.query(definition);
  };
}

/** Lists of the large catalogue, one reader at a time, and the bookings of many users. */
export async function largeSubjects(stage: Stage): Promise<Subject[]> {
  const lastToken = await walkToLastPage(stage.ports[0] ?? 0);
  const page = (name: string, token: string) =>
    subject(name, "REST", 1, async () => ({ ...listConcertsRequests(pageSize, token), verify: allAnswered }));
  const userIds = Array.from({ length: askedUsers }, (_, index) => `user-${(index * 7919) % users}`);
  const ofUsers = (readers: number) =>
    subject("bookings of a user", "REST", readers, async () => ({
      ...userBookingsRequests(userIds),
      verify: allAnswered,
    }));
  return [page("page 1", ""), page("page 10,000", lastToken), ofUsers(1), ofUsers(64)];
}

/** Reads every page as a client does, and returns the token of the last one. */
async function walkToLastPage(port: number): Promise<string> {
  let token = "";
  let seen = 0;
  let previous = 0n;
  for (let page = 1; ; page++) {
    const query = new URLSearchParams({ page_size: String(pageSize), page_token: token });
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/concerts?${query}`);
    if (!response.ok) throw new WrongOutcomeError(`page ${page} is answered with status ${response.status}`);
    const body = (await response.json()) as { concerts: { id: string }[]; next_page_token: string };
    seen += body.concerts.length;
    for (const { id } of body.concerts) {
      if (BigInt(id) <= previous) throw new WrongOutcomeError(`page ${page} has concert ${id} after ${previous}`);
      previous = BigInt(id);
    }
    if (page === lastPage) {
      if (seen !== concerts) throw new WrongOutcomeError(`${lastPage} pages had ${seen} concerts`);
      return token;
    }
    token = body.next_page_token;
  }
}
