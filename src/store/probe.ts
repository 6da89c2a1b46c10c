/** Finds out whether the database takes writes, without leaving anything behind in it. */
import { randomUUID } from "node:crypto";
import type { Health } from "../domain/health.ts";
import { settlesWithin } from "../domain/settles-within.ts";
import type { Connection, Database } from "./database.ts";
import { ConnectFailure, sqlState } from "./database-errors.ts";

/** How often a write is tried while all is well. */
const writeIntervalMs = 5_000;
const statementTimeoutMs = 2_000;
/** Less than the pool's own limit for an answer, so that a commit that hangs can be ended in order. */
const commitTimeoutMs = 2_000;

/** Of a role that may not call the function, or an imitation of PostgreSQL that lacks it. */
const cannotTryStates = new Set(["42501", "42883"]);

/** The sentences of `/readyz`. */
const reasons = {
  unreachable: "the database does not answer",
  refused: "the database refuses new connections",
  readOnly: "the database does not take writes: it is a standby or read-only",
  commitHangs: "commits do not complete: a synchronous standby may be missing",
  failed: "the database reports an error",
} as const;

/**
 * A function that probes the database. Each call asks over a lasting connection of `lasting`. Now and then, and always after
 * a failure, it also commits a write over a new connection of `passing`, which must have room for one that nothing else uses:
 * connections that exist outlive a role's right to log in, and on a primary that has lost its synchronous standbys
 * only COMMIT hangs.
 */
export function createProbe(lasting: Database, passing: Database): () => Promise<Health> {
  let wroteAtMs = Number.NEGATIVE_INFINITY;
  return async () => {
    const isWriteDue = performance.now() - wroteAtMs >= writeIntervalMs;
    const health = (await ask(lasting)) ?? (isWriteDue ? await tryWrite(lasting, passing) : undefined);
    if (health !== undefined) wroteAtMs = Number.NEGATIVE_INFINITY;
    else if (isWriteDue) wroteAtMs = performance.now();
    return health ?? { isGood: true };
  };
}

type Trouble = Exclude<Health, { readonly isGood: true }>;

function trouble(reason: keyof typeof reasons, cause?: unknown): Trouble {
  return { isGood: false, reason: reasons[reason], cause };
}

/** What an error means: that there is no connection or that it broke, or what PostgreSQL said before or on it. */
function troubleOf(error: unknown): Trouble {
  if (error instanceof ConnectFailure) {
    return trouble(sqlState(error.cause) === undefined ? "unreachable" : "refused", error);
  }
  return trouble(sqlState(error) === undefined ? "unreachable" : "failed", error);
}

async function ask(database: Database): Promise<Trouble | undefined> {
  try {
    const connection = await database.connect();
    let isUseless = true;
    try {
      isUseless = await isReadOnly(connection);
    } finally {
      // The next one may lead to another server.
      connection.release(isUseless);
    }
    return isUseless ? trouble("readOnly") : undefined;
  } catch (error) {
    return troubleOf(error);
  }
}

async function tryWrite(lasting: Database, passing: Database): Promise<Trouble | undefined> {
  let connection: Connection;
  try {
    connection = await passing.connect();
  } catch (error) {
    return troubleOf(error);
  }
  try {
    return await write(connection, lasting);
  } catch (error) {
    return cannotTryStates.has(sqlState(error) ?? "") ? undefined : troubleOf(error);
  } finally {
    connection.release(true);
  }
}

/**
 * A record in the write-ahead log and nothing else: no table changes, and nothing is there to be vacuumed. Without one COMMIT
 * would not wait for standbys, whatever transaction ids were used. The tag tells this statement from all others.
 */
const writeStatement = (tag: string) => `
  begin;
  set local statement_timeout = ${statementTimeoutMs};
  select pg_logical_emit_message(true, 'frontrow', '');
  commit /* ${tag} */`;

async function write(connection: Connection, lasting: Database): Promise<Trouble | undefined> {
  if (await isReadOnly(connection)) return trouble("readOnly");
  const statement = writeStatement(randomUUID());
  const commit = connection.query(statement);
  if (await settlesWithin(commit, commitTimeoutMs)) {
    await commit;
    return undefined;
  }
  await endWait(lasting, statement).catch(() => {});
  await commit.catch(() => {});
  return trouble("commitHangs");
}

async function isReadOnly(connection: Connection): Promise<boolean> {
  const { rows } = await connection.query(
    `select pg_is_in_recovery() or current_setting('transaction_read_only') = 'on' as "isReadOnly"`,
  );
  return rows[0].isReadOnly;
}

/**
 * Ends the wait for a standby, which no timeout of PostgreSQL's does. A closed connection would not either: each probe would
 * leave a session behind. What was committed then is so on the primary only, and of no importance. Only the probe's own wait:
 * through a pooler its session may be another client's a moment later.
 */
async function endWait(database: Database, statement: string): Promise<void> {
  const connection = await database.connect();
  try {
    await connection.query(
      "select pg_cancel_backend(pid) from pg_stat_activity where query = $1 and wait_event = 'SyncRep'",
      [statement],
    );
  } finally {
    connection.release();
  }
}
