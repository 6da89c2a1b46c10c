import type { Booking, BookingKey } from "../../domain/booking.ts";
import type { Concert } from "../../domain/concert.ts";
import { type BookingId, bookingIdOf, type ConcertId } from "../../domain/ids.ts";
import { toBooking } from "../bookings.ts";
import { toConcert } from "../concerts.ts";
import type { Connection } from "../pool/connection.ts";
import type { Database } from "../pool/database.ts";
import { idleInTransactionTimeoutMs, type TransactionTimeouts } from "../transaction.ts";
import { type BatchSession, commitBatch } from "./commit.ts";
import type { BatchEffects } from "./effects.ts";
import { landed, runnerOn } from "./prepared.ts";
import { findByIds, findByKeys, keyColumns, lockConcert, readConcert, readHolds, readUserTickets } from "./read.ts";
import { findBatch } from "./write.ts";

/** What a batch reads of what is stored. */
export interface BatchQuery {
  readonly concertId: ConcertId;
  readonly keys: readonly BookingKey[];
  readonly bookingIds: readonly BookingId[];
  /** The users whose tickets to sum, if the concert has a limit per user. */
  readonly userIds: readonly string[];
  /** Whether to sum their holds also without such a limit. */
  readonly countsHolds: boolean;
  /** How many ids for new bookings to take. */
  readonly newIds: number;
  /** At most how many of the holds that are due to read. */
  readonly maxDue: number;
}

/** A hold as its expiry needs it. */
export type Hold = Pick<Booking, "id" | "ticketCount"> & { readonly holdExpiresTime: Temporal.Instant };

/** What a user has of a concert: confirmed tickets, or those of holds that expire at one instant. */
export interface UserTickets {
  readonly userId: string;
  readonly ticketCount: number;
  /** How many bookings they are of. */
  readonly bookings: number;
  /** Undefined if they are confirmed. */
  readonly holdExpiresTime: Temporal.Instant | undefined;
}

/** What is stored, read under the concert's lock. */
export interface LockedState {
  readonly concert: Concert;
  /** The batch's one instant, by the database's clock. */
  readonly now: Temporal.Instant;
  /** The bookings of the query's keys and ids that are this concert's. */
  readonly stored: readonly Booking[];
  /** The holds that are due, at most `maxDue`, the earliest first, and the next one if it is due within a second. */
  readonly holds: readonly Hold[];
  /** Undefined if they were not read. */
  readonly userTickets: readonly UserTickets[] | undefined;
  /** Ids that no booking has. */
  readonly newIds: readonly BookingId[];
}

/**
 * A transaction that holds a concert's lock. Disposing of it releases the connection, after a rollback unless the
 * transaction has committed. The disposal never fails: PostgreSQL rolls back for a broken connection.
 */
export interface OpenBatch extends AsyncDisposable {
  /** Undefined if there is no such concert. */
  readonly state: LockedState | undefined;
  /**
   * Writes and commits in one flight. Raises CommitInDoubtError if the response to COMMIT is lost. After any other error
   * nothing is stored.
   */
  commit(effects: BatchEffects): Promise<void>;
}

/** What the booking engine needs of the database. */
export interface Batches {
  /** Locks a concert and reads what the query names. After an error no lock and no connection is held. */
  open(query: BatchQuery): Promise<OpenBatch>;
  /** Reads the bookings that a concert's keys have made, without a lock. */
  find(concertId: ConcertId, keys: readonly BookingKey[]): Promise<Booking[]>;
  /**
   * Whether a batch has committed whose COMMIT is in doubt. It waits for the concert's lock, which the doubtful transaction
   * holds until it is over.
   */
  isCommitted(concertId: ConcertId, batchId: string): Promise<boolean>;
}

export function createBatches(
  database: Pick<Database, "connect"> & { readonly reads: Pick<Database, "connect"> },
  timeouts: TransactionTimeouts,
): Batches {
  const ruled = new Set<ConcertId>();
  return {
    open: (query) => openBatch(database, query, timeouts, ruled),
    async find(concertId, keys) {
      const connection = await database.reads.connect();
      try {
        return (await runnerOn(connection)(findByKeys, { concertId, ...keyColumns(keys) })).map(toBooking);
      } finally {
        connection.release();
      }
    },
    async isCommitted(concertId, batchId) {
      await using opening = new AsyncDisposableStack();
      const { connection } = opening.adopt(await begin(database), endTransaction);
      const run = runnerOn(connection);
      const flight = {
        begun: connection.query(beginText(timeouts)),
        locked: run(lockConcert, { concertId }),
        evidence: run(findBatch, { concertId, batchId }),
      };
      await landed(flight);
      return (await flight.evidence).length > 0;
    },
  };
}

async function begin(database: Pick<Database, "connect">): Promise<BatchSession> {
  return { connection: await database.connect(), isOver: false };
}

/** Opens a transaction, locks the concert, and reads what the query names. `ruled`: see `noteRules`. */
export async function openBatch(
  database: Pick<Database, "connect">,
  query: BatchQuery,
  timeouts: TransactionTimeouts,
  ruled: Set<ConcertId>,
): Promise<OpenBatch> {
  // An error before `return` releases the connection.
  await using opening = new AsyncDisposableStack();
  const session = opening.adopt(await begin(database), endTransaction);
  const state = await lockAndRead(session.connection, query, timeouts, ruled);
  const open = opening.move();
  return {
    state,
    async commit(effects) {
      if (!state) throw new Error("a batch without a concert has nothing to commit");
      await commitBatch(session, state, effects);
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

/** Of concerts whose last batch found holds or a limit per user. */
const maxRuled = 10_000;

/** Notes whether a concert has holds or a limit per user, so that the next batch reads them in its first flight. */
function noteRules(ruled: Set<ConcertId>, concertId: ConcertId, isRuled: boolean): void {
  ruled.delete(concertId);
  if (isRuled) ruled.add(concertId);
  const [oldest] = ruled;
  if (ruled.size > maxRuled && oldest !== undefined) ruled.delete(oldest);
}

/**
 * One flight: PostgreSQL begins each statement, with a new snapshot, when the one before it has ended. For a concert that had
 * neither holds nor a limit, these are read in a second flight, if it has some by now.
 */
async function lockAndRead(
  connection: Connection,
  query: BatchQuery,
  timeouts: TransactionTimeouts,
  ruled: Set<ConcertId>,
): Promise<LockedState | undefined> {
  const { concertId, keys, bookingIds, newIds } = query;
  const run = runnerOn(connection);
  const readsRules = query.countsHolds || ruled.has(concertId);
  const flight = {
    begun: connection.query(beginText(timeouts)),
    locked: run(lockConcert, { concertId }),
    concert: run(readConcert, { concertId, newIds }),
    byKey: keys.length > 0 ? run(findByKeys, { concertId, ...keyColumns(keys) }) : [],
    byId: bookingIds.length > 0 ? run(findByIds, { concertId, ids: bookingIds }) : [],
    ...(readsRules ? sendRules(connection, query) : noRules),
  };
  await landed(flight);
  const [row] = await flight.concert;
  if (!row) return undefined;
  const concert = toConcert(row);
  const isRuled = concert.heldTickets > 0 || concert.maxTicketsPerUser !== undefined;
  noteRules(ruled, concertId, isRuled);
  const rules = isRuled && !readsRules ? sendRules(connection, query) : flight;
  await landed({ holds: rules.holds, userTickets: rules.userTickets });
  return {
    concert,
    now: row.now,
    stored: [...(await flight.byKey), ...(await flight.byId)].map(toBooking),
    holds: (await rules.holds).flatMap(({ id, ticket_count, hold_expires_time }) =>
      hold_expires_time ? [{ id: bookingIdOf(id), ticketCount: ticket_count, holdExpiresTime: hold_expires_time }] : [],
    ),
    userTickets: (await rules.userTickets).map(({ user_id, ticket_count, bookings, hold_expires_time }) => ({
      userId: user_id,
      ticketCount: ticket_count,
      bookings,
      holdExpiresTime: hold_expires_time ?? undefined,
    })),
    newIds: row.new_ids.map((id) => bookingIdOf(BigInt(id))),
  };
}

const noRules = { holds: [], userTickets: [] };

/** Reads what a concert's holds and its limit per user mean for the batch. */
function sendRules(connection: Connection, { concertId, userIds, countsHolds, maxDue }: BatchQuery) {
  const run = runnerOn(connection);
  return {
    holds: run(readHolds, { concertId, maxDue }),
    userTickets: userIds.length > 0 ? run(readUserTickets, { concertId, userIds, countsHolds }) : [],
  };
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
