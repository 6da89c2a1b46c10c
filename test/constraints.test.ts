import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "./support/database/database.ts";

/** As SQL. The tests of the audit trail are in audit.test.ts. */
const tables = "'concerts', 'bookings', 'concert_requests', 'batches'";

/** For every constraint a statement that breaks it, and no other, of a database with one row in each table. */
const violations: Record<string, string> = {
  concerts_pkey: `INSERT INTO concerts
    (id, name, artist, venue, concert_date, total_tickets, available_tickets, price, booking_start_time, booking_end_time)
    SELECT id, name, artist, venue, concert_date, total_tickets, available_tickets, price, booking_start_time,
      booking_end_time FROM concerts`,
  concerts_name_check: "UPDATE concerts SET name = ''",
  concerts_artist_check: "UPDATE concerts SET artist = ''",
  concerts_venue_check: "UPDATE concerts SET venue = ''",
  concerts_concert_date_check: "UPDATE concerts SET concert_date = 'infinity'",
  concerts_total_tickets_check: "UPDATE concerts SET total_tickets = 0, available_tickets = 0",
  concerts_available_tickets_check: "UPDATE concerts SET available_tickets = 11",
  concerts_price_check: "UPDATE concerts SET price = -0.01",
  concerts_currency_code_check: "UPDATE concerts SET currency_code = 'usd'",
  concerts_booking_start_time_check: "UPDATE concerts SET booking_start_time = '-infinity'",
  concerts_booking_end_time_check: "UPDATE concerts SET booking_end_time = 'infinity'",
  concerts_booking_window_check: "UPDATE concerts SET booking_end_time = booking_start_time",
  concerts_version_check: "UPDATE concerts SET version = 0",
  concerts_years_check: "UPDATE concerts SET booking_end_time = '10000-01-01 00:00:00+00'",
  concerts_max_tickets_per_user_check: "UPDATE concerts SET max_tickets_per_user = 0",

  concert_requests_pkey: "INSERT INTO concert_requests SELECT * FROM concert_requests",
  concert_requests_digest_check: "UPDATE concert_requests SET digest = ''",

  batches_pkey: "INSERT INTO batches SELECT * FROM batches",

  bookings_pkey: `INSERT INTO bookings
    (id, concert_id, user_id, ticket_count, unit_price, total_price, currency_code, booking_time, request_id)
    SELECT id, concert_id, user_id, ticket_count, unit_price, total_price, currency_code, booking_time,
      gen_random_uuid() FROM bookings`,
  bookings_concert_id_fkey: "UPDATE bookings SET concert_id = 4711",
  bookings_user_id_check: "UPDATE bookings SET user_id = ''",
  valid_ticket_count: "UPDATE bookings SET ticket_count = 0, total_price = 0",
  bookings_unit_price_check: "UPDATE bookings SET unit_price = -1, total_price = -2",
  bookings_total_price_check: "UPDATE bookings SET total_price = 0",
  bookings_currency_code_check: "UPDATE bookings SET currency_code = 'E1R'",
  bookings_status_check: "UPDATE bookings SET status = 'lost', hold_expires_time = now()",
  bookings_cancel_request_id_check: "UPDATE bookings SET status = 'cancelled'",
  bookings_years_check: "UPDATE bookings SET booking_time = 'infinity'",
  bookings_requested_count_check: "UPDATE bookings SET requested_count = 1",
  bookings_hold_expires_time_check: "UPDATE bookings SET status = 'held'",
  bookings_payment_reference_check: "UPDATE bookings SET payment_reference = ''",
  bookings_cancelled_by_check: "UPDATE bookings SET cancelled_by = 'nora'",
  bookings_request_key: `INSERT INTO bookings
    (concert_id, user_id, ticket_count, unit_price, total_price, currency_code, booking_time, request_id)
    SELECT concert_id, user_id, ticket_count, unit_price, total_price, currency_code, booking_time, request_id
    FROM bookings`,
};

/** Makes the booking a hold, or one that has ended. */
const ended = (status: string) => `status = '${status}', hold_expires_time = now()`;
const held = ended("held");

/** More ways to break the constraints that have more than one side. */
const otherSides: [constraint: string, statement: string][] = [
  ["concerts_available_tickets_check", "UPDATE concerts SET available_tickets = -1"],
  ["concerts_available_tickets_check", "UPDATE concerts SET held_tickets = -1"],
  ["concerts_available_tickets_check", "UPDATE concerts SET held_tickets = 3"],
  ["concerts_max_tickets_per_user_check", "UPDATE concerts SET max_tickets_per_user = -1"],
  ["bookings_hold_expires_time_check", "UPDATE bookings SET status = 'expired'"],
  ["bookings_hold_expires_time_check", "UPDATE bookings SET status = 'released'"],
  ["bookings_payment_reference_check", `UPDATE bookings SET payment_reference = 'p', ${held}`],
  ["bookings_payment_reference_check", `UPDATE bookings SET payment_reference = 'p', ${ended("expired")}`],
  ["bookings_payment_reference_check", `UPDATE bookings SET payment_reference = 'p', ${ended("released")}`],
  ["concerts_concert_date_check", "UPDATE concerts SET concert_date = '-infinity'"],
  ["concerts_years_check", "UPDATE concerts SET concert_date = '0001-12-31 23:59:59.999999+00 BC'"],
  ["concerts_years_check", "UPDATE concerts SET created_at = '-infinity'"],
  ["bookings_years_check", "UPDATE bookings SET hold_expires_time = 'infinity'"],
  ["bookings_years_check", "UPDATE bookings SET updated_at = '0001-12-31 23:59:59.999999+00 BC'"],
  ["concerts_booking_window_check", "UPDATE concerts SET booking_start_time = booking_end_time + interval '1 us'"],
  ["concerts_currency_code_check", "UPDATE concerts SET currency_code = 'US'"],
  ["concert_requests_digest_check", "UPDATE concert_requests SET digest = digest || '\\x00'"],
  ["concerts_price_check", "UPDATE concerts SET price = 'NaN'"],
  ["bookings_unit_price_check", "UPDATE bookings SET unit_price = 'NaN', total_price = 'NaN'"],
  ["valid_ticket_count", "UPDATE bookings SET ticket_count = -1, total_price = -unit_price"],
  ["bookings_cancel_request_id_check", "UPDATE bookings SET cancel_request_id = gen_random_uuid()"],
  ["bookings_concert_id_fkey", "DELETE FROM concerts"],
];

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
  await database.query(`
    INSERT INTO concerts
      (name, artist, venue, concert_date, total_tickets, available_tickets, price, booking_start_time,
       booking_end_time)
    VALUES ('Moonlight', 'The Larks', 'Old Mill', '2099-06-01', 10, 8, 50.25, '2099-01-01', '2099-05-01');
    INSERT INTO concert_requests SELECT gen_random_uuid(), sha256('moonlight'), id FROM concerts;
    INSERT INTO batches SELECT id, gen_random_uuid(), now() FROM concerts;
    INSERT INTO bookings
      (concert_id, user_id, ticket_count, unit_price, total_price, currency_code, booking_time, request_id)
    SELECT id, 'nora', 2, price, 2 * price, currency_code, now(), gen_random_uuid() FROM concerts`);
});

describe("PostgreSQL accepts", () => {
  test.each([
    ["a hold, and its end", `${held}; UPDATE bookings SET status = 'released'; UPDATE bookings SET status = 'expired'`],
    [
      "a hold that is confirmed for fewer tickets than it had",
      `${held}, requested_count = 3; UPDATE bookings SET status = 'confirmed', payment_reference = 'p'`,
    ],
    [
      "a cancelled booking with a payment",
      "status = 'cancelled', cancel_request_id = gen_random_uuid(), payment_reference = 'p'",
    ],
    ["more requested tickets than there are", "requested_count = 2; UPDATE bookings SET requested_count = 11"],
  ])("%s", async (_, changes) => {
    await database.query(`BEGIN; UPDATE bookings SET ${changes}; ROLLBACK`);
  });

  test("a concert of which all tickets are held or sold, with any limit per user", async () => {
    await database.query(
      "BEGIN; UPDATE concerts SET available_tickets = 0, held_tickets = 8, max_tickets_per_user = 11; ROLLBACK",
    );
  });
});

afterAll(() => database.drop());

describe("PostgreSQL rejects a statement that breaks", () => {
  test.each(Object.entries(violations))("%s", async (constraint, statement) => {
    await expect(database.query(statement)).rejects.toMatchObject({ constraint });
  });

  test.each(otherSides)("%s by %s", async (constraint, statement) => {
    await expect(database.query(statement)).rejects.toMatchObject({ constraint });
  });

  test("a column's NOT NULL", async () => {
    const columns = await database.query<{ table: string; column: string }>(
      `SELECT table_name AS "table", column_name AS "column" FROM information_schema.columns
       WHERE table_name IN (${tables}) AND is_nullable = 'NO' AND is_identity = 'NO' AND is_generated = 'NEVER'`,
    );
    expect(columns.length).toBeGreaterThan(20);
    for (const { table, column } of columns) {
      const failure = database.query(`UPDATE ${table} SET ${column} = NULL`);
      await expect(failure, `${table}.${column}`).rejects.toMatchObject({ code: "23502", column });
    }
  });
});

test("every constraint has its case above, and only the columns below may be NULL", async () => {
  const constraints = await database.query<{ name: string }>(
    `SELECT conname AS name FROM pg_constraint
     WHERE conrelid IN (SELECT name::regclass FROM unnest(ARRAY[${tables}]) AS name) AND contype <> 'n'
     ORDER BY conname COLLATE "C"`,
  );
  expect(constraints.map(({ name }) => name)).toEqual(Object.keys(violations).sort());
  const nullable = await database.query<{ column: string }>(
    `SELECT column_name AS "column" FROM information_schema.columns
     WHERE table_name IN (${tables}) AND is_nullable = 'YES' ORDER BY column_name`,
  );
  expect(nullable.map(({ column }) => column)).toEqual([
    ...["booked_by", "cancel_request_id", "cancelled_by", "hold_expires_time", "max_tickets_per_user"],
    ...["payment_reference", "requested_count"],
  ]);
});
