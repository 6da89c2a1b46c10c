/**
 * PostgreSQL as the booking engine sees it, in memory: row locks with a queue, reads under the lock, transactions whose
 * COMMIT takes effect at one moment and is answered at another. Every step waits for its turn and fails on demand.
 */
import { randomUUID } from "node:crypto";
import type { BookingKey } from "../../../src/domain/booking.ts";
import type { Concert } from "../../../src/domain/concert.ts";
import { CommitInDoubtError } from "../../../src/store/batch/commit.ts";
import type { BatchEffects } from "../../../src/store/batch/effects.ts";
import type { Batches, BatchQuery, OpenBatch } from "../../../src/store/batch/open.ts";
import { databaseError, isKeyOf, type Rows, readRows, refusePoison, writeRows } from "./fake-rows.ts";

type ReadFault = "none" | "no connection" | "no lock" | "broken";

/** The faults in the order of the calls. After the end of a list every call succeeds. */
export interface Faults {
  readonly open?: readonly ReadFault[];
  readonly commit?: readonly ("none" | "serialization" | "lost, committed" | "lost, aborted")[];
  /** Of the searches for the evidence of a batch. */
  readonly settle?: readonly ReadFault[];
  readonly find?: readonly ("none" | "broken")[];
}

/** A concert and its bookings from one COMMIT to the next. */
export interface Moment extends Rows {
  readonly fromMs: number;
}

/** What an engine did under a concert's lock. */
export interface Transaction {
  readonly process: string;
  readonly query: BatchQuery;
  readonly now: Temporal.Instant;
  /** By their places in the concert's history. `after` is undefined unless it has committed. */
  readonly before: number;
  after?: number;
  effects?: BatchEffects;
  outcome: "open" | "read only" | "committed" | "aborted";
}

export interface FakeDatabase {
  /** All that a concert ever was, the newest last. */
  history(concertId: bigint): readonly Moment[];
  now(concertId: bigint): Moment;
  /** Those of a concert, in the order in which they got its lock. */
  transactions(concertId: bigint): readonly Transaction[];
  /** How many transactions were aborted with COMMIT's answer lost. */
  lostAborts(): number;
  /** What a process of the service sees of it. */
  batches(process: string): Batches;
  /** Changes a concert under the row lock, as an organizer does. False if the change is refused. */
  change(concertId: bigint, change: (concert: Concert) => Concert | undefined): Promise<boolean>;
}

interface FakeDatabaseOptions {
  readonly concerts: readonly Rows[];
  readonly clockMs: () => number;
  /** Each thing that the database does waits for this first. */
  readonly step?: (label: string) => Promise<void>;
  readonly faults?: Faults;
  /** Called for each transaction of a process when it takes effect. */
  readonly onEffect?: (process: string, concertId: bigint) => void;
}

const epoch = Temporal.Instant.from("2030-05-01T10:00:00Z");

/** The database's instant at a time of the fake clock. */
export function instantAt(clockMs: number): Temporal.Instant {
  return epoch.add({ milliseconds: clockMs });
}

/** The row of one concert, and its lock. */
interface Row {
  readonly history: Moment[];
  readonly transactions: Transaction[];
  readonly committedIds: Set<string>;
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
    const history = [{ concert, bookings, fromMs: clockMs() }];
    rows.set(concert.id, { history, transactions: [], committedIds: new Set(), lockIsFree: Promise.resolve() });
  }
  const state = { opened: 0, lostAborts: 0, lastBookingId: 1_000_000n };
  const shared: Shared = { rows, clockMs, step, onEffect, takeFault: faultTaker(faults), ...state };
  return {
    history: (concertId) => rows.get(concertId)?.history ?? [],
    now: (concertId) => nowOf(shared, concertId),
    transactions: (concertId) => rows.get(concertId)?.transactions ?? [],
    lostAborts: () => shared.lostAborts,
    batches: (process) => ({
      open: (query) => openTransaction(shared, process, query),
      find: (concertId, keys) => find(shared, process, concertId, keys),
      isCommitted: (concertId, batchId) => isCommitted(shared, process, concertId, batchId),
    }),
    change: (concertId, change) => changeConcert(shared, concertId, change),
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

/** Gets the concert's lock on a new connection, unless a fault is due. Returns what releases it. */
async function connectAndLock(
  shared: Shared,
  process: string,
  concertId: bigint,
  call: "open" | "settle",
): Promise<() => void> {
  const { step, takeFault } = shared;
  const fault = takeFault(call);
  await step(`${process} connects`);
  if (fault === "no connection") throw brokenConnection();
  const release = await lock(shared, concertId);
  try {
    await step(`${process} reads`);
    if (fault === "no lock") throw databaseError("55P03", "canceling statement due to lock timeout");
    if (fault === "broken") throw brokenConnection();
    return release;
  } catch (error) {
    release();
    throw error;
  }
}

async function openTransaction(shared: Shared, process: string, query: BatchQuery): Promise<OpenBatch> {
  const { clockMs, step, onEffect, rows } = shared;
  const { concertId } = query;
  const release = await connectAndLock(shared, process, concertId, "open");
  const row = rows.get(concertId);
  try {
    refusePoison([...query.keys.map(({ userId }) => userId), ...query.userIds]);
  } catch (error) {
    release();
    throw error;
  }
  // No two transactions read the same microsecond.
  const now = instantAt(clockMs()).add({ microseconds: shared.opened++ % 1_000 });
  const before = (row?.history.length ?? 0) - 1;
  const transaction: Transaction = { process, query, now, before, outcome: "open" };
  row?.transactions.push(transaction);
  const end = (outcome: Transaction["outcome"]) => {
    transaction.outcome = outcome;
    onEffect(process, concertId);
    release();
  };
  const state = row && readRows(nowOf(shared, concertId), query, now, shared.lastBookingId);
  shared.lastBookingId += BigInt(query.newIds);
  let isOver = false;
  return {
    state,
    commit: async (effects) => {
      isOver = true;
      if (!row) throw new Error("there is no concert");
      transaction.effects = effects;
      await commit(shared, row, transaction, effects, end);
    },
    [Symbol.asyncDispose]: async () => {
      if (isOver) return;
      end("read only");
      await step(`${process} has ended`);
    },
  };
}

async function commit(
  shared: Shared,
  { history, committedIds }: Row,
  transaction: Transaction,
  effects: BatchEffects,
  end: (outcome: Transaction["outcome"]) => void,
): Promise<void> {
  const { clockMs, step, takeFault } = shared;
  const { process, now } = transaction;
  const batchId = randomUUID();
  const write = () => writeRows(history.at(-1) as Moment, effects, now);
  const apply = () => {
    transaction.after = history.push({ ...write(), fromMs: clockMs() }) - 1;
    committedIds.add(batchId);
    end("committed");
  };
  await step(`${process} writes`);
  const fault = takeFault("commit");
  try {
    write();
    if (fault === "serialization") throw databaseError("40001", "could not serialize access");
  } catch (error) {
    end("aborted");
    throw error;
  }
  if (fault === "none") {
    await step(`${process} commits`);
    apply();
    await step(`${process} has committed`);
    return;
  }
  if (fault === "lost, aborted") shared.lostAborts++;
  const ended = fault === "lost, committed" ? apply : () => end("aborted");
  void step(`the fate of ${process}'s COMMIT`).then(ended);
  await step(`${process} loses its connection`);
  throw new CommitInDoubtError(batchId, brokenConnection());
}

/** Waits for the lock, which the transaction in doubt holds until it is over. */
async function isCommitted(shared: Shared, process: string, concertId: bigint, batchId: string): Promise<boolean> {
  const release = await connectAndLock(shared, process, concertId, "settle");
  const isFound = shared.rows.get(concertId)?.committedIds.has(batchId) ?? false;
  release();
  return isFound;
}

async function find(shared: Shared, process: string, concertId: bigint, keys: readonly BookingKey[]) {
  const fault = shared.takeFault("find");
  await shared.step(`${process} finds`);
  if (fault === "broken") throw brokenConnection();
  refusePoison(keys.map(({ userId }) => userId));
  const found = nowOf(shared, concertId).bookings.filter((each) => keys.some(isKeyOf(each)));
  await shared.step(`${process} has found`);
  return found.reverse();
}

async function changeConcert(
  shared: Shared,
  concertId: bigint,
  change: (concert: Concert) => Concert | undefined,
): Promise<boolean> {
  const release = await lock(shared, concertId);
  await shared.step("an organizer commits");
  const { concert, bookings } = nowOf(shared, concertId);
  const changed = change(concert);
  if (changed) shared.rows.get(concertId)?.history.push({ concert: changed, bookings, fromMs: shared.clockMs() });
  release();
  return changed !== undefined;
}

/** Adds tickets, or takes them away unless more are sold or held than remain. */
export function withMoreTickets(concert: Concert, more: number): Concert | undefined {
  const [totalTickets, availableTickets] = [concert.totalTickets + more, concert.availableTickets + more];
  return availableTickets >= 0 && totalTickets > 0 ? { ...concert, totalTickets, availableTickets } : undefined;
}

function faultTaker(faults: Faults) {
  const left = {
    open: faults.open ?? [],
    commit: faults.commit ?? [],
    settle: faults.settle ?? [],
    find: faults.find ?? [],
  };
  const taken = { open: 0, commit: 0, settle: 0, find: 0 };
  return <Call extends keyof Faults>(call: Call): (typeof left)[Call][number] => left[call][taken[call]++] ?? "none";
}

function brokenConnection(): Error {
  return new Error("Connection terminated unexpectedly");
}
