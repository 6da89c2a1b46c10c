/** Locks held from outside the service, so that calls meet where and when a test wants them to. */
import { setTimeout as delay } from "node:timers/promises";
import type { TestDatabase } from "./database.ts";

const pollMs = 5;
const maxPolls = 2_000;

/** A service whose calls wait for a test's lock for as long as a slow machine may take to arrange them. */
export const patientSettings = {
  APP_LOCK_TIMEOUT: "25s",
  APP_STATEMENT_TIMEOUT: "25s",
  APP_REQUEST_TIMEOUT: "25s",
} as const;

/** A transaction of the test's own that holds a lock. */
export interface HeldLock {
  /** A statement in the transaction that holds the lock. */
  query<Row extends object>(text: string, values?: unknown[]): Promise<Row[]>;
  /** Resolves once so many sessions wait for a lock. */
  untilWaiting(sessions: number): Promise<void>;
  /** Commits, or rolls back, and lets the waiting go on. */
  release(how?: "COMMIT" | "ROLLBACK"): Promise<void>;
}

/** Holds what a statement locks, in a transaction of its own. */
export async function holdLock(database: TestDatabase, text: string, values: unknown[] = []): Promise<HeldLock> {
  const session = await database.connect();
  await session.query("BEGIN");
  await session.query(text, values);
  return {
    query: async <Row extends object>(statement: string, parameters: unknown[] = []) =>
      (await session.query<Row>(statement, parameters)).rows,
    untilWaiting: (sessions) => untilWaiting(database, sessions),
    release: async (how = "COMMIT") => {
      await session.query(how);
      await session.end();
    },
  };
}

/** Holds the row of a concert, as every booking of it does. */
export function holdConcert(database: TestDatabase, concertId: bigint): Promise<HeldLock> {
  return holdLock(database, "SELECT id FROM concerts WHERE id = $1 FOR UPDATE", [concertId]);
}

/** Starts calls one after the other, each once the one before waits for the lock: two of them get it in this order. */
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

/** Lets calls meet at a concert's lock: all of them wait for it before the first one gets it. */
export async function meetAtConcert<Answer>(
  database: TestDatabase,
  concertId: bigint,
  calls: readonly (() => Promise<Answer>)[],
): Promise<Answer[]> {
  const held = await holdConcert(database, concertId);
  const answers = await queueUp(held, calls).finally(() => held.release());
  return await Promise.all(answers);
}

async function untilWaiting(database: TestDatabase, sessions: number): Promise<void> {
  let waiting = 0;
  for (let poll = 0; poll < maxPolls; poll++) {
    const [row] = await database.query<{ waiting: number }>(
      `SELECT count(*)::int AS waiting FROM pg_stat_activity
       WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    waiting = row?.waiting ?? 0;
    if (waiting >= sessions) return;
    await delay(pollMs);
  }
  throw new Error(`${waiting} sessions wait for a lock, not ${sessions}`);
}
