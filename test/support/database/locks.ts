/** Locks held from outside the service, so that calls meet where and when a test wants them to. */
import { setTimeout as delay } from "node:timers/promises";
import type { TestService } from "../service/service.ts";
import type { TestDatabase } from "./database.ts";

const pollMs = 5;
const maxPolls = 2_000;
/** The statements of the sweeper and of the deletion of old rows, which wait for a table's lock as calls do. */
const backgroundWork = '^(select distinct "concert_id" from|with old as)';

/** A service whose calls wait for a test's lock for as long as a slow machine may take to arrange them. */
export const patientSettings = {
  APP_LOCK_TIMEOUT: "25s",
  APP_STATEMENT_TIMEOUT: "25s",
  APP_REQUEST_TIMEOUT: "25s",
} as const;

/** A service whose bookings and cancels queue behind the one that waits for the lock. */
type Queueing = Pick<TestService, "queuedRequests">;

/** A transaction of the test that holds a lock. */
export interface HeldLock extends AsyncDisposable {
  /** A statement in the transaction that holds the lock. */
  query<Row extends object>(text: string, values?: unknown[]): Promise<Row[]>;
  /** Resolves once so many calls wait: sessions for a lock, and requests in the services' queues. */
  untilWaiting(calls: number): Promise<void>;
  /** Resolves once a session waits for this transaction. */
  untilInTheWay(): Promise<void>;
  /** Commits or rolls back, which releases the lock. Further calls do nothing. */
  release(how?: "COMMIT" | "ROLLBACK"): Promise<void>;
}

/** Runs a statement in a new transaction, which holds its locks until `release`. */
export async function holdLock(
  database: TestDatabase,
  text: string,
  values: unknown[] = [],
  services: readonly Queueing[] = [],
): Promise<HeldLock> {
  const session = await database.connect();
  await session.query("BEGIN");
  await session.query(text, values);
  const own = await session.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
  let isReleased = false;
  const release = async (how: "COMMIT" | "ROLLBACK" = "COMMIT") => {
    if (isReleased) return;
    isReleased = true;
    await session.query(how);
    await session.end();
  };
  return {
    query: async <Row extends object>(statement: string, parameters: unknown[] = []) =>
      (await session.query<Row>(statement, parameters)).rows,
    untilWaiting: (calls) => untilWaiting(database, services, calls),
    untilInTheWay: () => untilBlocked(database, own.rows[0]?.pid),
    release,
    [Symbol.asyncDispose]: () => release(),
  };
}

/** Holds the row of a concert, as every batch of its bookings does. */
export function holdConcert(
  database: TestDatabase,
  concertId: bigint,
  services: readonly Queueing[] = [],
): Promise<HeldLock> {
  return holdLock(database, "SELECT id FROM concerts WHERE id = $1 FOR UPDATE", [concertId], services);
}

/**
 * Starts calls one after the other, each once the one before waits. Two calls get the lock in this order. Of more, those
 * behind the first may overtake one another, since PostgreSQL keeps the order only until the row changes.
 */
export async function queueUp<Answer>(
  held: HeldLock,
  calls: readonly (() => Promise<Answer>)[],
): Promise<Promise<Answer>[]> {
  const started: Promise<Answer>[] = [];
  for (const call of calls) {
    started.push(call());
    await held.untilWaiting(started.length);
  }
  return started;
}

/**
 * Lets calls meet at a concert's lock: all of them wait, in this order, before the first one gets it. The calls to one
 * process become two batches: the first call, and all others. Calls to different processes become separate transactions,
 * whose order is certain for two of them only.
 */
export async function meetAtConcert<Answer>(
  database: TestDatabase,
  services: readonly Queueing[],
  concertId: bigint,
  calls: readonly (() => Promise<Answer>)[],
): Promise<Answer[]> {
  const held = await holdConcert(database, concertId, services);
  const answers = await queueUp(held, calls).finally(() => held.release());
  return await Promise.all(answers);
}

async function untilWaiting(database: TestDatabase, services: readonly Queueing[], calls: number): Promise<void> {
  let waiting = 0;
  for (let poll = 0; poll < maxPolls; poll++) {
    const [row] = await database.query<{ sessions: number }>(
      `SELECT count(*)::int AS sessions FROM pg_stat_activity
       WHERE datname = current_database() AND wait_event_type = 'Lock' AND query !~ $1`,
      [backgroundWork],
    );
    // In this order no request counts twice: it leaves the queue before its session waits.
    waiting = services.reduce((sum, service) => sum + service.queuedRequests(), row?.sessions ?? 0);
    if (waiting >= calls) return;
    await delay(pollMs);
  }
  throw new Error(`${waiting} calls wait, not ${calls}`);
}

async function untilBlocked(database: TestDatabase, holder: number | undefined): Promise<void> {
  for (let poll = 0; poll < maxPolls; poll++) {
    const blocked = await database.query(
      "SELECT FROM pg_stat_activity WHERE datname = current_database() AND $1 = ANY (pg_blocking_pids(pid))",
      [holder],
    );
    if (blocked.length > 0) return;
    await delay(pollMs);
  }
  throw new Error("no session waits for the held lock");
}
