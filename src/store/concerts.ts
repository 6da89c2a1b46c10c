import { type Kysely, type Selectable, sql, type Transaction } from "kysely";
import type { Concert, ConcertDescription } from "../domain/concert.ts";
import { type ConcertId, concertIdOf } from "../domain/ids.ts";
import type { Concerts, DB } from "./tables.ts";
import { centsFromNumeric, nowUnderLock, numericFromCents, timestamptz } from "./values.ts";

export const concertColumns = [
  "id",
  "name",
  "artist",
  "venue",
  "concert_date",
  "total_tickets",
  "available_tickets",
  "held_tickets",
  "price",
  "currency_code",
  "booking_start_time",
  "booking_end_time",
  "version",
  "created_at",
  "updated_at",
  "max_tickets_per_user",
  "requires_payment",
] as const;

type ConcertRow = Pick<Selectable<Concerts>, (typeof concertColumns)[number]>;

export function toConcert(row: ConcertRow): Concert {
  return {
    id: concertIdOf(row.id),
    name: row.name,
    artist: row.artist,
    venue: row.venue,
    concertDate: row.concert_date,
    totalTickets: row.total_tickets,
    availableTickets: row.available_tickets,
    heldTickets: row.held_tickets,
    priceCents: centsFromNumeric(row.price),
    currencyCode: row.currency_code,
    bookingStartTime: row.booking_start_time,
    bookingEndTime: row.booking_end_time,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    maxTicketsPerUser: row.max_tickets_per_user ?? undefined,
    requiresPayment: row.requires_payment,
  };
}

function toColumns(description: ConcertDescription) {
  return {
    name: description.name,
    artist: description.artist,
    venue: description.venue,
    concert_date: timestamptz(description.concertDate),
    total_tickets: description.totalTickets,
    price: numericFromCents(description.priceCents),
    currency_code: description.currencyCode,
    booking_start_time: timestamptz(description.bookingStartTime),
    booking_end_time: timestamptz(description.bookingEndTime),
    max_tickets_per_user: description.maxTicketsPerUser ?? null,
    requires_payment: description.requiresPayment,
  };
}

export async function findConcert(db: Kysely<DB>, id: ConcertId): Promise<Concert | undefined> {
  const row = await db.selectFrom("concerts").select(concertColumns).where("id", "=", id).executeTakeFirst();
  return row && toConcert(row);
}

/** Whether there is any concert, past or future. */
export async function hasConcerts(db: Kysely<DB>): Promise<boolean> {
  return (await db.selectFrom("concerts").select("id").limit(1).executeTakeFirst()) !== undefined;
}

/** In place of the id of a concert for transactions that create one. */
export const noConcertYet = concertIdOf(0n);

/** The id of a concert that is about to be created. */
export async function allocateConcertId(transaction: Transaction<DB>): Promise<ConcertId> {
  const id = sql<bigint>`nextval(pg_get_serial_sequence('concerts', 'id'))`.as("id");
  return concertIdOf((await transaction.selectNoFrom(id).executeTakeFirstOrThrow()).id);
}

/** The key of a creation, and the digest of its content. */
interface ConcertRequest {
  readonly requestId: string;
  readonly digest: Buffer;
}

/**
 * Claims a key for a concert. Returns false if the key is taken. Waits for a transaction that has claimed the key and has not
 * ended.
 */
export async function claimRequest(
  transaction: Transaction<DB>,
  { requestId, digest }: ConcertRequest,
  concertId: ConcertId,
): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await transaction
    .insertInto("concert_requests")
    .values({ request_id: requestId, digest, concert_id: concertId })
    .onConflict((conflict) => conflict.column("request_id").doNothing())
    .executeTakeFirstOrThrow();
  return numInsertedOrUpdatedRows === 1n;
}

/** What a key that is taken was used for. */
export async function readRequest(
  transaction: Transaction<DB>,
  requestId: string,
): Promise<{ readonly concertId: ConcertId; readonly digest: Buffer }> {
  const row = await transaction
    .selectFrom("concert_requests")
    .select(["concert_id", "digest"])
    .where("request_id", "=", requestId)
    .executeTakeFirstOrThrow();
  return { concertId: concertIdOf(row.concert_id), digest: row.digest };
}

/** Frees the keys of concerts that have been deleted by SQL. Not for sharded tables, where a new concert can be visible late. */
export async function freeOrphanedRequests(transaction: Transaction<DB>): Promise<void> {
  await transaction
    .deleteFrom("concert_requests")
    .where(({ not, exists, selectFrom }) =>
      not(exists(selectFrom("concerts").select("id").whereRef("concerts.id", "=", "concert_requests.concert_id"))),
    )
    .execute();
}

/** Inserts a concert with all tickets available. */
export async function insertConcert(
  transaction: Transaction<DB>,
  id: ConcertId,
  description: ConcertDescription,
): Promise<Concert> {
  const row = await transaction
    .insertInto("concerts")
    .values({ ...toColumns(description), id, available_tickets: description.totalTickets })
    .returning(concertColumns)
    .executeTakeFirstOrThrow();
  return toConcert(row);
}

/** A concert whose lock is held, and the transaction's one instant. */
interface LockedConcert {
  readonly concert: Concert;
  readonly now: Temporal.Instant;
}

/**
 * Locks a concert until the transaction ends, then reads it and the clock in a second statement: one that waited for a lock
 * still sees the snapshot from before the wait.
 */
export async function lockAndReadConcert(
  transaction: Transaction<DB>,
  id: ConcertId,
): Promise<LockedConcert | undefined> {
  const lock = transaction.selectFrom("concerts").select("id").where("id", "=", id).forUpdate().executeTakeFirst();
  if (!(await lock)) return undefined;
  const row = await transaction
    .selectFrom("concerts")
    .select(concertColumns)
    .select(nowUnderLock.as("now"))
    .where("id", "=", id)
    .executeTakeFirstOrThrow();
  return { concert: toConcert(row), now: row.now };
}

/** Replaces the description of a concert whose lock is held. Available tickets change by as much as the total does. */
export async function setDescription(
  transaction: Transaction<DB>,
  { concert, now }: LockedConcert,
  description: ConcertDescription,
): Promise<Concert> {
  const row = await transaction
    .updateTable("concerts")
    .set({
      ...toColumns(description),
      available_tickets: concert.availableTickets + description.totalTickets - concert.totalTickets,
      version: concert.version + 1,
      updated_at: timestamptz(now),
    })
    .where("id", "=", concert.id)
    .returning(concertColumns)
    .executeTakeFirstOrThrow();
  return toConcert(row);
}
