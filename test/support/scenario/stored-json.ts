/** Stored rows in REST's JSON, with the times that the database has given them. */
import type { TestDatabase } from "../database/database.ts";
import { moonlightJson, timestampJson, userId } from "../service/stage.ts";

async function storedTimes(database: TestDatabase, table: "concerts" | "bookings", id: bigint) {
  const bookingTime = table === "bookings" ? "booking_time" : "NULL::timestamptz";
  const text = (column: string) => `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
  const [row] = await database.query<Record<"created" | "updated" | "booked", string>>(
    `SELECT ${text("created_at")} AS created, ${text("updated_at")} AS updated, ${text(bookingTime)} AS booked
     FROM ${table} WHERE id = $1`,
    [id],
  );
  if (!row) throw new Error(`nothing stored as ${table} ${id}`);
  const times = { created_at: timestampJson(row.created), updated_at: timestampJson(row.updated) };
  return table === "concerts" ? times : { ...times, booking_time: timestampJson(row.booked) };
}

/** `moonlight` as it is after its creation, changed as given. */
export async function concertJson(database: TestDatabase, id: bigint, changes: object = {}) {
  const counts = { available_tickets: 100, held_tickets: 0, version: 1 };
  return { id: String(id), ...moonlightJson, ...counts, ...(await storedTimes(database, "concerts", id)), ...changes };
}

/** A booking of two tickets for `moonlight`, changed as given. */
export async function bookingJson(database: TestDatabase, id: bigint, concertId: bigint, changes: object = {}) {
  const order = { concert_id: String(concertId), user_id: userId, ticket_count: 2 };
  const prices = { unit_price: 50.25, total_price: 100.5, currency_code: "EUR" };
  const status = "BOOKING_STATUS_CONFIRMED";
  const times = await storedTimes(database, "bookings", id);
  return { id: String(id), ...order, ...prices, status, ...times, ...changes };
}
