/**
 * PostgreSQL as the booking engine sees it, in memory: row locks with a queue, reads under the lock, transactions whose
 * COMMIT takes effect at one moment and is answered at another. Every step waits for its turn and fails on demand.
 */
import pg from "pg";
import type { Booking, BookingKey } from "../../../src/domain/booking.ts";
import type { Concert } from "../../../src/domain/concert.ts";
import { type BookingId, bookingIdOf } from "../../../src/domain/ids.ts";
import { CommitInDoubtError } from "../../../src/store/batch/commit.ts";
import type { Batches, BatchQuery, OpenBatch } from "../../../src/store/batch/open.ts";
import type { BatchWrites } from "../../../src/store/bookings.ts";

/** The faults in the order of the calls. After the end of a list every call succeeds. */
export interface Faults {
  readonly open?: readonly ("none" | "no connection" | "no lock" | "broken")[];
  readonly commit?: readonly ("none" | "serialization" | "lost, committed" | "lost, aborted")[];
  readonly find?: readonly ("none" | "broken")[];
}

/** A concert and its bookings from one COMMIT to the next. */
export interface Moment {
  readonly concert: Concert;
  readonly bookings: readonly Booking[];
  readonly fromMs: number;
  /** What made it: a batch of an engine, unless it is the first one or an organizer's. */
  readonly batch?: { readonly process: string; readonly writes: BatchWrites };
}

export interface FakeDatabase {
  /** All that a concert ever was, the newest last. */
  history(concertId: bigint): readonly Moment[];
  now(concertId: bigint): Moment;
  /** How many transactions were aborted with COMMIT's answer lost. */
  lostAborts(): number;
  /** What a process of the service sees of it. */
  batches(process: string): Batches;
  /** Adds tickets under the row lock, or takes them away, as an organizer does. False if more are sold than remain. */
  changeTotal(concertId: bigint, by: number): Promise<boolean>;
}

interface FakeDatabaseOptions {
  readonly concerts: readonly Pick<Moment, "concert" | "bookings">[];
  readonly clockMs: () => number;
  /** Each thing that the database does waits for this first. */
  readonly step?: (label: string) => Promise<void>;
  readonly faults?: Faults;
  /** Called for each transaction of a process when it takes effect. */
  readonly onEffect?: (process: string, concertId: bigint) => void;
}

/** PostgreSQL refuses every statement that carries this user. */
export const poisonedUser = "poison\0";

const epoch = Temporal.Instant.from("2030-05-01T10:00:00Z");

/** The database's instant at a time of the fake clock. */
export function instantAt(clockMs: number): Temporal.Instant {
  return epoch.add({ milliseconds: clockMs });
}

/** The rows of one concert, and their lock. */
interface Row {
  readonly history: Moment[];
  /** Resolves when the request for the lock before this one has released it. */
  lockIsFree: Promise<void>;
}

/** What the transactions of all processes share. */
interface Shared {
  readonly rows: ReadonlyMap<bigint, Row>;
  readonly clockMs: () => number;
  readonly step: (label: string) => Promise<void>;
  readonly onEffect: (process: string, concertId: bigint) => void;
  readonly takeFault: ReturnType<typeof faultTaker>;
  opened: number;
  lostAborts: number;
  lastBookingId: bigint;
}

export function createFakeDatabase(options: FakeDatabaseOptions): FakeDatabase {
  const { concerts, clockMs, step = async () => {}, onEffect = () => {}, faults = {} } = options;
  const rows = new Map<bigint, Row>();
  for (const { concert, bookings } of concerts) {
    rows.set(concert.id, { history: [{ concert, bookings, fromMs: clockMs() }], lockIsFree: Promise.resolve() });
  }
  const state = { opened: 0, lostAborts: 0, lastBookingId: 1_000n };
  const shared: Shared = { rows, clockMs, step, onEffect, takeFault: faultTaker(faults), ...state };
  return {
    history: (concertId) => rows.get(concertId)?.history ?? [],
    now: (concertId) => nowOf(shared, concertId),
    lostAborts: () => shared.lostAborts,
    batches: (process) => ({
      open: (query) => openTransaction(shared, process, query),
      find: (concertId, keys) => find(shared, process, concertId, keys),
    }),
    changeTotal: (concertId, by) => changeTotal(shared, concertId, by),
  };
}

/** The concert's current moment. There is none if there is no such concert. */
function nowOf({ rows }: Shared, concertId: bigint): Moment {
  return rows.get(concertId)?.history.at(-1) as Moment;
}

async function lock({ rows }: Shared, concertId: bigint): Promise<() => void> {
  const row = rows.get(concertId);
  if (!row) return () => {};
  const before = row.lockIsFree;
  const { promise, resolve } = Promise.withResolvers<void>();
  row.lockIsFree = promise;
  await before;
  return resolve;
}

async function openTransaction(shared: Shared, process: string, query: BatchQuery): Promise<OpenBatch> {
  const { clockMs, step, takeFault, onEffect } = shared;
  const { concertId } = query;
  const fault = takeFault("open");
  await step(`${process} connects`);
  if (fault === "no connection") throw brokenConnection();
  const release = await lock(shared, concertId);
  try {
    await step(`${process} reads`);
    if (fault === "no lock") throw databaseError("55P03", "canceling statement due to lock timeout");
    if (fault === "broken") throw brokenConnection();
    query.keys.forEach(refusePoison);
  } catch (error) {
    release();
    throw error;
  }
  const end = () => {
    onEffect(process, concertId);
    release();
  };
  const { concert, bookings } = nowOf(shared, concertId) ?? { bookings: [] };
  let isOver = false;
  // No two transactions read the same microsecond.
  const now = instantAt(clockMs()).add({ microseconds: shared.opened++ % 1_000 });
  const stored = bookings.filter((each) => query.bookingIds.includes(each.id) || query.keys.some(isKeyOf(each)));
  return {
    state: concert && { concert, now, stored },
    commit: async ({ availableTickets, newBookings, cancelled }) => {
      isOver = true;
      if (!concert) throw new Error("there is no concert");
      return await commit(shared, process, { concert, now, availableTickets, newBookings, cancelled }, end);
    },
    [Symbol.asyncDispose]: async () => {
      if (isOver) return;
      end();
      await step(`${process} has ended`);
    },
  };
}

async function commit(shared: Shared, process: string, writes: BatchWrites, end: () => void): Promise<Booking[]> {
  const { clockMs, rows, step, takeFault } = shared;
  const { id: concertId } = writes.concert;
  const apply = () => {
    const moment = { ...after(shared, writes), fromMs: clockMs(), batch: { process, writes } };
    rows.get(concertId)?.history.push(moment);
    end();
    return moment.bookings.filter((each) => writes.newBookings.some(isKeyOf(each)));
  };
  await step(`${process} writes`);
  const fault = takeFault("commit");
  try {
    after(shared, writes);
    if (fault === "serialization") throw databaseError("40001", "could not serialize access");
  } catch (error) {
    end();
    throw error;
  }
  if (fault === "none") {
    await step(`${process} commits`);
    const created = apply();
    await step(`${process} has committed`);
    // PostgreSQL returns the rows in no defined order.
    return created.reverse();
  }
  if (fault === "lost, aborted") shared.lostAborts++;
  const ended = fault === "lost, committed" ? apply : end;
  void step(`the fate of ${process}'s COMMIT`).then(ended);
  await step(`${process} loses its connection`);
  throw new CommitInDoubtError(brokenConnection());
}

/** The concert and its bookings after these writes. Throws the error with which PostgreSQL would reject them. */
function after(shared: Shared, writes: BatchWrites): Pick<Moment, "concert" | "bookings"> {
  const { concert, newBookings, cancelled, now, availableTickets } = writes;
  const before = nowOf(shared, concert.id);
  newBookings.forEach(refusePoison);
  if (newBookings.some((each) => before.bookings.some((stored) => isKeyOf(stored)(each)))) {
    throw databaseError("23505", "duplicate key value violates unique constraint");
  }
  if (availableTickets < 0 || availableTickets > before.concert.totalTickets) {
    throw databaseError("23514", "new row violates check constraint");
  }
  const bookings = before.bookings.map((each) => {
    const cancel = cancelled.find(({ after }) => after.id === each.id);
    return cancel && each.status === "confirmed" ? cancel.after : each;
  });
  const isStockChanged = availableTickets !== concert.availableTickets;
  return {
    concert: { ...before.concert, ...(isStockChanged ? { availableTickets } : {}) },
    bookings: [
      ...bookings,
      ...newBookings.map((each) => newRow(bookingIdOf(++shared.lastBookingId), concert, each, now)),
    ],
  };
}

async function find(shared: Shared, process: string, concertId: bigint, keys: readonly BookingKey[]) {
  const fault = shared.takeFault("find");
  await shared.step(`${process} finds`);
  if (fault === "broken") throw brokenConnection();
  keys.forEach(refusePoison);
  const found = nowOf(shared, concertId).bookings.filter((each) => keys.some(isKeyOf(each)));
  await shared.step(`${process} has found`);
  return found.reverse();
}

async function changeTotal(shared: Shared, concertId: bigint, by: number): Promise<boolean> {
  const release = await lock(shared, concertId);
  await shared.step("an organizer commits");
  const { concert, bookings } = nowOf(shared, concertId);
  const [totalTickets, availableTickets] = [concert.totalTickets + by, concert.availableTickets + by];
  const isPossible = availableTickets >= 0 && totalTickets > 0;
  const changed = { ...concert, totalTickets, availableTickets };
  if (isPossible) shared.rows.get(concertId)?.history.push({ concert: changed, bookings, fromMs: shared.clockMs() });
  release();
  return isPossible;
}

function faultTaker(faults: Faults) {
  const left = {
    open: faults.open ?? [],
    commit: faults.commit ?? [],
    find: faults.find ?? [],
  };
  const taken = { open: 0, commit: 0, find: 0 };
  return <Call extends keyof Faults>(call: Call): (typeof left)[Call][number] => left[call][taken[call]++] ?? "none";
}

function newRow(
  id: BookingId,
  concert: Concert,
  booking: BatchWrites["newBookings"][number],
  now: Temporal.Instant,
): Booking {
  const { userId, requestId, ticketCount } = booking;
  return {
    ...{ id, concertId: concert.id, userId, ticketCount, bookingTime: now, status: "confirmed" },
    ...{ unitPriceCents: concert.priceCents, totalPriceCents: concert.priceCents * ticketCount },
    ...{ currencyCode: concert.currencyCode, requestId, cancelRequestId: undefined, createdAt: now, updatedAt: now },
  };
}

export function keyOf({ userId, requestId }: BookingKey): string {
  return `${userId} ${requestId}`;
}

function isKeyOf(booking: Booking): (key: BookingKey) => boolean {
  return (key) => keyOf(key) === keyOf(booking);
}

function refusePoison({ userId }: BookingKey): void {
  if (userId === poisonedUser) throw databaseError("22021", "invalid byte sequence for encoding");
}

/** The error as `pg` reports it. */
function brokenConnection(): Error {
  return new Error("Connection terminated unexpectedly");
}

function databaseError(code: string, message: string): pg.DatabaseError {
  return Object.assign(new pg.DatabaseError(message, 0, "error"), { code, severity: "ERROR" });
}
