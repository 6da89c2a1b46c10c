import type { QueryResult } from "pg";
import { type Booking, type BookingKey, bookingKey, type Cancellation } from "../../domain/booking.ts";
import type { Concert } from "../../domain/concert.ts";
import { newBooking, toBooking } from "../bookings.ts";
import { toConcert } from "../concerts.ts";
import type { Connection, Database } from "../database.ts";
import { isDefiniteRollback } from "../sqlstate.ts";
import { idleInTransactionTimeoutMs, type TransactionTimeouts } from "../transaction.ts";
import { numericFromCents } from "../values.ts";
import { actorColumn, actsOnOthers, entryColumns, insertBookingEntries } from "./audit.ts";
import { runnerOn } from "./prepared.ts";
import {
  type CancelColumns,
  cancelBookings,
  findByIds,
  findByKeys,
  insertBookings,
  lockConcert,
  type NewBookingColumns,
  readConcert,
  setAvailable,
} from "./statements.ts";
import type { BatchWrites } from "./writes.ts";

/** What a batch needs to know of what is stored. */
export interface BatchQuery {
  readonly concertId: bigint;
  readonly keys: readonly BookingKey[];
  readonly bookingIds: readonly bigint[];
}

/**
 * A transaction that holds a concert's lock, with what was read under it. Disposing of it gives the connection back, after
 * a rollback unless the transaction has committed. The disposal never fails: PostgreSQL rolls back for a broken connection.
 */
export interface OpenBatch extends AsyncDisposable {
  /** Undefined if there is no such concert. */
  readonly concert: Concert | undefined;
  readonly now: Temporal.Instant;
  /** The bookings of the query's keys and ids, as far as they are this concert's. */
  readonly stored: readonly Booking[];
  /**
   * Writes and commits in one flight; returns the new bookings. Raises LostCommitError if nobody knows whether it
   * committed; after any other error nothing is stored.
   */
  commit(writes: BatchWrites): Promise<Booking[]>;
}

/** COMMIT was sent, and no answer came. */
export class LostCommitError extends Error {
  override readonly name = "LostCommitError";

  constructor(cause: unknown) {
    super("the answer to COMMIT was lost", { cause });
  }
}

/**
 * Opens a transaction, locks the concert, and after that reads the concert, the clock and the bookings asked for, all in
 * one flight: PostgreSQL begins each statement, with a snapshot of its own, when the one before it has ended.
 */
export async function openBatch(
  database: Pick<Database, "connect">,
  query: BatchQuery,
  timeouts: TransactionTimeouts,
): Promise<OpenBatch> {
  const { concertId, bookingIds } = query;
  // Whatever throws from here to `return` gives the connection back.
  await using opening = new AsyncDisposableStack();
  const session = opening.adopt({ client: await database.connect(), isOver: false }, endTransaction);
  const { client } = session;
  const run = runnerOn(client);
  const keys = keyColumns(query.keys);
  const flight = await Promise.allSettled([
    client.query(beginText(timeouts)),
    run(lockConcert, { id: concertId }),
    run(readConcert, { id: concertId }),
    query.keys.length > 0 ? run(findByKeys, { concertId, ...keys }) : undefined,
    bookingIds.length > 0 ? run(findByIds, { concertId, ids: bookingIds }) : undefined,
  ]);
  const [, , concertRows, byKey, byId] = flight.map(resultOf);
  const row = concertRows?.rows[0];
  const stored = [...(byKey?.rows ?? []), ...(byId?.rows ?? [])].map(toBooking);
  const concert = row && toConcert(row);
  const open = opening.move();
  return {
    concert,
    now: row?.now,
    stored,
    commit: (writes) => commitBatch(session, writes),
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

/**
 * BEGIN and the transaction's settings in one message. Without sequential scans and hash joins, a plan from when
 * the tables were small bears their growth until it is made anew.
 */
function beginText({ lockTimeoutMs, statementTimeoutMs }: TransactionTimeouts): string {
  return `begin isolation level read committed;
    set local lock_timeout = ${lockTimeoutMs};
    set local statement_timeout = ${statementTimeoutMs};
    set local idle_in_transaction_session_timeout = ${idleInTransactionTimeoutMs};
    set local enable_seqscan = off; set local enable_hashjoin = off; set local enable_mergejoin = off`;
}

async function commitBatch(session: BatchSession, writes: BatchWrites): Promise<Booking[]> {
  const run = runnerOn(session.client);
  const { concert, availableTickets, newBookings, cancelled } = writes;
  const now = writes.now.toString();
  const isStockChanged = availableTickets !== concert.availableTickets;
  const acts = actsOnOthers(writes);
  // All parameters exist before anything is sent: COMMIT must never follow a part of the writes.
  const bookings = newBookings.length > 0 ? { ...newBookingColumns(concert, newBookings), now } : undefined;
  const cancels = cancelled.length > 0 ? { ...cancelColumns(cancelled), now } : undefined;
  const entries = acts.length > 0 ? entryColumns(acts, writes) : undefined;
  const flight = await Promise.allSettled([
    isStockChanged ? run(setAvailable, { id: concert.id, availableTickets }) : undefined,
    bookings && run(insertBookings, bookings),
    cancels && run(cancelBookings, cancels),
    entries && run(insertBookingEntries, entries),
    session.client.query("commit"),
  ]);
  const [updated, inserted, marked, recorded, commit] = flight;
  if (commit.status === "rejected") {
    // The connection broke, or PostgreSQL itself said no.
    throw isDefiniteRollback(commit.reason) ? commit.reason : new LostCommitError(commit.reason);
  }
  session.isOver = true;
  if (commit.value.command !== "COMMIT") {
    const failed = [updated, inserted, marked, recorded].find((result) => result.status === "rejected");
    throw failed?.reason ?? new Error(`COMMIT ended as ${commit.value.command}`);
  }
  return newBookings.length > 0 ? storedBookings(writes, resultOf(inserted)) : [];
}

/** Matches the new rows to the bookings by their keys: PostgreSQL promises no order. */
function storedBookings({ concert, newBookings, now }: BatchWrites, inserted: QueryResult | undefined): Booking[] {
  const ids = new Map(
    inserted?.rows.map((row) => [bookingKey({ userId: row.user_id, requestId: row.request_id }), row.id as bigint]),
  );
  return newBookings.map((request) => {
    const id = ids.get(bookingKey(request));
    // It is committed: whoever settles a lost COMMIT reads the rows again.
    if (id === undefined) throw new LostCommitError(new Error("a booking of the batch has no row"));
    return { ...newBooking(concert, request, now), id };
  });
}

/** The bookings that a concert's keys have made, without a lock. */
export async function findBookingsByKeys(
  database: Pick<Database, "connect">,
  concertId: bigint,
  keys: readonly BookingKey[],
): Promise<Booking[]> {
  const client = await database.connect();
  try {
    const { rows } = await runnerOn(client)(findByKeys, { concertId, ...keyColumns(keys) });
    return rows.map(toBooking);
  } finally {
    client.release();
  }
}

/** A connection with a batch's transaction, and whether COMMIT has ended the transaction. */
interface BatchSession {
  readonly client: Connection;
  isOver: boolean;
}

/** Gives the connection back, after a rollback if it is needed. One that cannot roll back is closed instead. */
async function endTransaction({ client, isOver }: BatchSession): Promise<void> {
  try {
    if (!isOver) await client.query("rollback");
    client.release();
  } catch {
    client.release(true);
  }
}

function resultOf(result: PromiseSettledResult<QueryResult | undefined>): QueryResult | undefined {
  if (result.status === "rejected") throw result.reason;
  return result.value;
}

function keyColumns(keys: readonly BookingKey[]) {
  return { userIds: keys.map(({ userId }) => userId), requestIds: keys.map(({ requestId }) => requestId) };
}

function newBookingColumns(concert: Concert, bookings: BatchWrites["newBookings"]): Omit<NewBookingColumns, "now"> {
  return {
    concertId: concert.id,
    ...keyColumns(bookings),
    ticketCounts: bookings.map(({ ticketCount }) => ticketCount),
    actors: actorColumn(bookings),
    unitPrice: numericFromCents(concert.priceCents),
    currencyCode: concert.currencyCode,
  };
}

function cancelColumns(cancelled: readonly Cancellation[]): Omit<CancelColumns, "now"> {
  return {
    ids: cancelled.map(({ after }) => after.id),
    requestIds: cancelled.map(({ after }) => after.cancelRequestId ?? ""),
    actors: actorColumn(cancelled.map(({ actor, before }) => ({ actor, userId: before.userId }))),
  };
}
