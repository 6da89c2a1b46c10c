/** The baseline of the engine: one interactive transaction for each booking, with a row lock. */
import { randomUUID } from "node:crypto";
import { Kysely, PostgresDialect, sql, type Transaction } from "kysely";
import pg from "pg";
import { DomainError } from "../src/domain/failure.ts";
import type { DB } from "../src/store/tables.ts";

/** A booking request, as in BookTickets, without a key. */
export interface RowLockRequest {
  readonly concertId: bigint;
  readonly userId: string;
  readonly ticketCount: number;
}

/** A row of a new booking. */
export interface RowLockBooking {
  readonly id: bigint;
  readonly unitPrice: number;
  readonly now: Temporal.Instant;
  readonly currencyCode: string;
}

export interface RowLockBookings {
  /** Books, or rejects with INSUFFICIENT_TICKETS. */
  book(request: RowLockRequest): Promise<RowLockBooking>;
  close(): Promise<void>;
}

/** Opens the baseline with its own pool. */
export function openRowLockBookings(databaseUrl: string, poolSize: number): RowLockBookings {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: poolSize });
  pool.on("error", () => {});
  const db = new Kysely<DB>({ dialect: new PostgresDialect({ pool }) });
  return {
    book: (request) =>
      db
        .transaction()
        .setIsolationLevel("read committed")
        .execute((transaction) => bookInTransaction(transaction, request)),
    close: () => db.destroy(),
  };
}

async function bookInTransaction(
  transaction: Transaction<DB>,
  { concertId, userId, ticketCount }: RowLockRequest,
): Promise<RowLockBooking> {
  await transaction.selectFrom("concerts").select("id").where("id", "=", concertId).forUpdate().executeTakeFirst();
  const concert = await readConcert(transaction, concertId);
  const { now, price, available_tickets: available, currency_code: currencyCode } = concert;
  if (!concert.is_open) throw new Error("the bench's concerts are always open");
  if (available < ticketCount) throw new DomainError({ reason: "INSUFFICIENT_TICKETS", available });

  await transaction
    .updateTable("concerts")
    .set((eb) => ({ available_tickets: eb("available_tickets", "-", ticketCount) }))
    .where("id", "=", concertId)
    .execute();
  const at = sql<Temporal.Instant>`${now}::timestamptz`;
  const { id } = await transaction
    .insertInto("bookings")
    .values({
      concert_id: concertId,
      user_id: userId,
      ticket_count: ticketCount,
      unit_price: price,
      total_price: sql<string>`${price}::numeric * ${ticketCount}::int`,
      currency_code: currencyCode,
      request_id: randomUUID(),
      booked_by: userId,
      booking_time: at,
      created_at: at,
      updated_at: at,
    })
    .returning(sql<string>`id::text`.as("id"))
    .executeTakeFirstOrThrow();
  return { id: BigInt(id), unitPrice: Number(price), now: Temporal.Instant.from(now), currencyCode };
}

/** The concert and the clock, after the lock is held. */
function readConcert(transaction: Kysely<DB>, concertId: bigint) {
  const clock = sql`clock_timestamp()`;
  return transaction
    .selectFrom("concerts")
    .select(["available_tickets", "price", "currency_code"])
    .select([
      sql<string>`${clock}::text`.as("now"),
      sql<boolean>`booking_start_time <= ${clock} and ${clock} < booking_end_time`.as("is_open"),
    ])
    .where("id", "=", concertId)
    .executeTakeFirstOrThrow();
}
