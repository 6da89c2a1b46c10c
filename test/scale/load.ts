/** Fills a test database with a million concerts and two million bookings, fast. */
import type pg from "pg";

export const concertCount = 1_000_000;
export const bookingCount = 2_000_000;

const words = (list: string) => list.split(/\s+/).map((word) => word.replaceAll("_", " "));

const adjectives =
  words(`Velvet Silent Golden Broken Electric Paper Crimson Hollow Northern Distant Copper Restless Lunar
  Wild Gentle Burning Frozen Hidden Secret Endless Tiny Scarlet Wandering Midnight Amber Lonely Brave Quiet Royal Rusty`);
const things = words(`Owls Rivers Lanterns Mirrors Tigers Harbours Gardens Engines Shadows Machines Sparrows Mountains
  Letters Kings Ghosts Pilots Wolves Towers Dreams Satellites Oceans Clocks Flowers Strangers Thieves Sisters Horses`);
const people = words(`Björk_Guðmundsdóttir Łukasz_Żółw Ёлка Sigur_Þórsson Anaïs_Noël 東京スカパラダイス Ana_María_Núñez
  Zoë_Ångström Marta_Costa Ibrahim_Diallo Priya_Raman Jonas_Weber Chloe_Martin Emeka_Obi Sofia_Rossi Noah_Kim`);
const kinds =
  words(`Tour Night Session Festival Serenade Live!!! 100%_Live Homecoming Requiem Anthology Revue Jubilee Gala
  Matinee Unplugged Reunion Farewell Premiere Showcase Residency`);
const cities =
  words(`Lisbon Oslo Kraków Bergen Chicago Nairobi Osaka Malmö Porto Leeds Boston Québec Zürich Seville Ghent
  Turin Austin Cardiff Bogotá Hamburg`);
const rooms = words(`Hall Arena Theatre Cellar Stage Club Pavilion Observatory Stadium Opera_House Ballroom Warehouse`);

/** Texts, and how many concerts have them in their name, spread over all dates. */
const spreadTexts = { zyzzyva: 5, kwyjibo: 400, quixotry: 2_500 } as const;
/** Texts that the last concert of all has in its name, and no other; the second one has no letters. */
export const lastTexts = ["Finis Terrae", "¿?¿?"] as const;

/** A concert's place in the order of dates, as SQL: a permutation of the ids, with which dates have nothing to do. */
const placeOf = (id: string) => `(${id} * 611953 % ${concertCount})`;
const placesAnHour = 6;
const firstDate = Temporal.Instant.from("2015-01-01T00:00:00Z");
/** The date of the concert at a place. */
export const dateAt = (place: number) => firstDate.add({ hours: Math.floor(place / placesAnHour) });

/** Before this place nearly all concerts have tickets left and are open; after it one in so many. */
export const placesOnSale = 20_000;
const onSaleEvery = 5_003;

/** Concerts that have about a quarter of all bookings each and can be booked; the second one is sold out. */
export const hotConcertId = 1n;
export const soldOutConcertId = 2n;
/** The last booking of what is sold out. Very many of other concerts come after it. */
export const lastOfSoldOut = 1_799_997;
/** The user who has a million bookings, the oldest ones. */
export const collector = "collector";
/** The user who has one booking. */
export const onlooker = "onlooker";

/** The request id of a booking, as SQL, by the booking's id. */
const requestIdOf = (id: string) => `md5((${id})::text)::uuid`;

/** A word of a list, which is a parameter, as SQL: picked by the concert's id. */
const pick = (parameter: number, seed: number) =>
  `($${parameter}::text[])[1 + (hashint8extended(id, ${seed}) & 65535) % cardinality($${parameter}::text[])]`;

const spreadNames = Object.entries(spreadTexts)
  .map(([text, rows], index) => `WHEN place % ${concertCount / rows} = ${7 + index} THEN 'The ${text} Night'`)
  .join("\n      ");

const concertsSql = `
  INSERT INTO concerts (id, name, artist, venue, concert_date, total_tickets, available_tickets, price,
    booking_start_time, booking_end_time)
  OVERRIDING SYSTEM VALUE
  SELECT id,
    CASE
      ${spreadNames}
      WHEN place = ${concertCount - 1} THEN 'Encore ${lastTexts.join(" ")}'
      ELSE concat_ws(' ', ${pick(1, 1)}, ${pick(2, 2)}, ${pick(4, 3)})
    END,
    CASE WHEN id % 3 = 0 THEN ${pick(3, 4)} ELSE concat_ws(' ', 'The', ${pick(1, 5)}, ${pick(2, 6)}) END,
    concat_ws(' ', ${pick(5, 7)}, ${pick(6, 8)}),
    timestamptz '${firstDate}' + place / ${placesAnHour} * interval '1 hour',
    1000000,
    CASE WHEN id = ${hotConcertId} THEN 100000 WHEN is_on_sale THEN 1000 ELSE 0 END,
    id % 20000 / 100.0,
    timestamptz '2014-01-01 00:00Z',
    CASE WHEN is_open THEN timestamptz '2100-01-01 00:00Z' ELSE timestamptz '2014-06-01 00:00Z' END
  FROM (
    SELECT id, place,
      id = ${hotConcertId} OR place < ${placesOnSale} OR place % ${onSaleEvery} = 0 AS is_on_sale,
      id <= ${soldOutConcertId} OR place < ${placesOnSale} OR place % ${onSaleEvery} < 2 AS is_open
    FROM (SELECT id, ${placeOf("id")} AS place FROM generate_series($7, $8::bigint) AS id) AS places
  ) AS concerts`;

/** No request has the content that these digests are of. */
const requestsSql = `
  INSERT INTO concert_requests (request_id, digest, concert_id)
  SELECT ${requestIdOf("id")}, sha256(id::text::bytea), id FROM generate_series($1, $2::bigint) AS id`;

const bookingsSql = `
  INSERT INTO bookings (id, concert_id, user_id, ticket_count, unit_price, total_price, currency_code, booking_time,
    status, request_id, cancel_request_id, created_at, updated_at, hold_expires_time)
  SELECT id,
    CASE WHEN id % 4 = 0 OR id % 4 = 1 AND id > ${lastOfSoldOut} THEN ${hotConcertId}
      WHEN id % 4 = 1 THEN ${soldOutConcertId} ELSE 3 + id * 7 % ($3 - 2) END,
    CASE WHEN id <= 1000000 THEN '${collector}' WHEN id = 1001000 THEN '${onlooker}'
      ELSE 'user-' || id % 600000 END,
    1, 25, 25, 'USD', booked_at,
    CASE WHEN id % 10 = 3 THEN 'cancelled' WHEN id % 20 = 7 THEN 'held' ELSE 'confirmed' END,
    ${requestIdOf("id")},
    CASE WHEN id % 10 = 3 THEN ${requestIdOf("-id")} END, booked_at, booked_at,
    CASE WHEN id % 20 = 7 THEN now() + interval '1 day' END
  FROM (
    SELECT id, timestamptz '${firstDate}' + id * interval '5 minutes' AS booked_at
    FROM generate_series($1, $2::bigint) AS id
  ) AS bookings`;

/** The ids to give to rows, both ends included. */
export interface Ids {
  readonly from: number;
  readonly to: number;
}

/** Inserts concerts and the keys of their creation. */
export async function insertConcerts(session: pg.Client, { from, to }: Ids): Promise<void> {
  await session.query(concertsSql, [adjectives, things, people, kinds, cities, rooms, from, to]);
  await session.query(requestsSql, [from, to]);
  await session.query("SELECT setval(pg_get_serial_sequence('concerts', 'id'), max(id)) FROM concerts");
}

/**
 * Inserts bookings of the concerts with ids up to `concerts`, whose availability they leave alone. Concerts that are not hot
 * have 100,000 holds.
 */
export async function insertBookings(session: pg.Client, { from, to }: Ids, concerts: number): Promise<void> {
  // Foreign keys are not checked: that alone would take as long as all the rest.
  await session.query("SET session_replication_role = replica");
  await session.query(bookingsSql, [from, to, concerts]);
  await session.query("RESET session_replication_role");
  await session.query("SELECT setval(pg_get_serial_sequence('bookings', 'id'), max(id)) FROM bookings");
}

/** Loads a million concerts and two million bookings. Indexes and constraints, CHECKs aside, are made afterwards. */
export async function loadAll(session: pg.Client): Promise<void> {
  await session.query("SET maintenance_work_mem = '256MB'");
  const { rows } = await session.query<{ drop: string; create: string }>(removable);
  for (const { drop } of rows.toReversed()) await session.query(drop);
  await insertConcerts(session, { from: 1, to: concertCount });
  await insertBookings(session, { from: 1, to: bookingCount }, concertCount);
  for (const { create } of rows) await session.query(create);
}

/** Indexes, then constraints, as they can be made: foreign keys come after what they refer to. */
const removable = `
  SELECT format('DROP INDEX %s', indexrelid::regclass) AS drop, pg_get_indexdef(indexrelid) AS create, 0 AS rank
  FROM pg_index
  WHERE indrelid IN ('concerts'::regclass, 'concert_requests'::regclass, 'bookings'::regclass)
    AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
  UNION ALL
  SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname),
    format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)),
    CASE contype WHEN 'f' THEN 2 ELSE 1 END
  FROM pg_constraint
  WHERE conrelid IN ('concerts'::regclass, 'concert_requests'::regclass, 'bookings'::regclass) AND contype IN ('p', 'u', 'f')
  ORDER BY rank`;
