import type { Booking, BookingKey } from "../../domain/booking.ts";
import type { Concert } from "../../domain/concert.ts";
import type { BookingId, ConcertId } from "../../domain/ids.ts";
import type { BatchChanges } from "../bookings.ts";
import { toBooking } from "../bookings.ts";
import { toConcert } from "../concerts.ts";
import type { Connection } from "../pool/connection.ts";
import type { Database } from "../pool/database.ts";
import { idleInTransactionTimeoutMs, type TransactionTimeouts } from "../transaction.ts";
import { type BatchSession, commitBatch } from "./commit.ts";
import { landed, runnerOn } from "./prepared.ts";
import { findByIds, findByKeys, keyColumns, lockConcert, readConcert } from "./statements.ts";

/** What a batch reads of what is stored. */
export interface BatchQuery {
  readonly concertId: ConcertId;
  readonly keys: readonly BookingKey[];
  readonly bookingIds: readonly BookingId[];
}

/** What is stored, read under the concert's lock. */
export interface LockedState {
  readonly concert: Concert;
  /** The batch's one instant, by the database's clock. */
  readonly now: Temporal.Instant;
  /** The bookings of the query's keys and ids that are this concert's. */
  readonly stored: readonly Booking[];
}

/**
 * A transaction that holds a concert's lock. Disposing of it releases the connection, after a rollback unless the
 * transaction has committed. The disposal never fails: PostgreSQL rolls back for a broken connection.
 */
export interface OpenBatch extends AsyncDisposable {
  /** Undefined if there is no such concert. */
  readonly state: LockedState | undefined;
  /**
   * Writes and commits in one flight. Returns the new bookings. Raises CommitInDoubtError if the response to COMMIT is lost.
   * After any other error nothing is stored.
   */
  commit(changes: BatchChanges): Promise<Booking[]>;
}

/** What the booking engine needs of the database. */
export interface Batches {
  /** Locks a concert and reads what the query names. After an error no lock and no connection is held. */
  open(query: BatchQuery): Promise<OpenBatch>;
  /** Reads the bookings that a concert's keys have made, without a lock. */
  find(concertId: ConcertId, keys: readonly BookingKey[]): Promise<Booking[]>;
}

export function createBatches(database: Pick<Database, "connect" | "reads">, timeouts: TransactionTimeouts): Batches {
  return {
    open: (query) => openBatch(database, query, timeouts),
    async find(concertId, keys) {
      const connection = await database.reads.connect();
      try {
        return (await runnerOn(connection)(findByKeys, { concertId, ...keyColumns(keys) })).map(toBooking);
      } finally {
        connection.release();
      }
    },
  };
}

/** Opens a transaction, locks the concert, and reads the concert, the clock and the bookings of the query. */
export async function openBatch(
  database: Pick<Database, "connect">,
  query: BatchQuery,
  timeouts: TransactionTimeouts,
): Promise<OpenBatch> {
  // An error before `return` releases the connection.
  await using opening = new AsyncDisposableStack();
  const session = opening.adopt({ connection: await database.connect(), isOver: false }, endTransaction);
  const state = await lockAndRead(session.connection, query, timeouts);
  const open = opening.move();
  return {
    state,
    async commit(changes) {
      if (!state) throw new Error("a batch without a concert has nothing to commit");
      return await commitBatch(session, state, changes);
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

/** One flight: PostgreSQL begins each statement, with a new snapshot, when the one before it has ended. */
async function lockAndRead(
  connection: Connection,
  { concertId, keys, bookingIds }: BatchQuery,
  timeouts: TransactionTimeouts,
): Promise<LockedState | undefined> {
  const run = runnerOn(connection);
  const columns = keyColumns(keys);
  const flight = {
    begun: connection.query(beginText(timeouts)),
    locked: run(lockConcert, { concertId }),
    concert: run(readConcert, { concertId }),
    byKey: keys.length > 0 ? run(findByKeys, { concertId, ...columns }) : [],
    byId: bookingIds.length > 0 ? run(findByIds, { concertId, ids: bookingIds }) : [],
  };
  await landed(flight);
  const [row] = await flight.concert;
  const stored = [...(await flight.byKey), ...(await flight.byId)].map(toBooking);
  return row && { concert: toConcert(row), now: row.now, stored };
}

/**
 * BEGIN and the transaction's settings in one message. Without sequential scans and hash joins, a plan from when the tables
 * were small stays good while they grow, until PostgreSQL plans again.
 */
function beginText({ lockTimeoutMs, statementTimeoutMs }: TransactionTimeouts): string {
  return `begin isolation level read committed;
    set local lock_timeout = ${lockTimeoutMs};
    set local statement_timeout = ${statementTimeoutMs};
    set local idle_in_transaction_session_timeout = ${idleInTransactionTimeoutMs};
    set local enable_seqscan = off; set local enable_hashjoin = off; set local enable_mergejoin = off`;
}

/** Gives the connection back, after a rollback if it is needed. A connection that cannot roll back is closed. */
async function endTransaction({ connection, isOver }: BatchSession): Promise<void> {
  try {
    if (!isOver) await connection.query("rollback");
    connection.release();
  } catch {
    connection.release(true);
  }
}
