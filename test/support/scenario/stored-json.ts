/** Stored rows in REST's JSON, with the times that the database has given them. */
import type { TestDatabase } from "../database/database.ts";
import { moonlightJson, timestampJson, userId } from "../service/stage.ts";

const times = {
  concerts: ["created_at", "updated_at"],
  bookings: ["created_at", "updated_at", "booking_time", "hold_expires_time"],
} as const;

/** The times that are not NULL. */
async function storedTimes(database: TestDatabase, table: keyof typeof times, id: bigint) {
  const columns = times[table].map(
    (name) => `to_char(${name} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS ${name}`,
  );
  const [row] = await database.query<Record<string, string | null>>(`SELECT ${columns} FROM ${table} WHERE id = $1`, [
    id,
  ]);
  if (!row) throw new Error(`nothing stored as ${table} ${id}`);
  const stored = Object.entries(row).flatMap(([name, text]) => (text === null ? [] : [[name, timestampJson(text)]]));
  return Object.fromEntries(stored) as Record<string, unknown>;
}

/** `moonlight` as it is after its creation, changed as given. */
export async function concertJson(database: TestDatabase, id: bigint, changes: object = {}) {
  const counts = { available_tickets: 100, held_tickets: 0, version: 1 };
  return { id: String(id), ...moonlightJson, ...counts, ...(await storedTimes(database, "concerts", id)), ...changes };
}

/** A booking of two tickets for `moonlight`, changed as given. One that was a hold has the time of its end. */
export async function bookingJson(database: TestDatabase, id: bigint, concertId: bigint, changes: object = {}) {
  const order = { concert_id: String(concertId), user_id: userId, ticket_count: 2 };
  const prices = { unit_price: 50.25, total_price: 100.5, currency_code: "EUR" };
  const state = { status: "BOOKING_STATUS_CONFIRMED", payment_reference: "" };
  const times = await storedTimes(database, "bookings", id);
  return { id: String(id), ...order, ...prices, ...state, ...times, ...changes };
}
