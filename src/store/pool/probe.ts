/** Checks whether the database accepts writes, without leaving anything in it. */
import { randomUUID } from "node:crypto";
import { settlesWithin } from "../../domain/clock.ts";
import { type Health, noAnswerReason, type Problem } from "../../domain/health.ts";
import { ConnectFailure, sqlState } from "../sqlstate.ts";
import type { Connection } from "./connection.ts";
import type { Database } from "./database.ts";

/** How often a write is tried while the database is healthy. */
const writeIntervalMs = 5_000;
const statementTimeoutMs = 2_000;
/** Less than the pool's own limit for an answer, so that a commit that hangs can be ended in order. */
const commitTimeoutMs = 2_000;

/** Of a role that may not call the function, or an imitation of PostgreSQL that lacks it. */
const cannotTryStates = new Set(["42501", "42883"]);

/** The sentences of `/readyz`. */
const reasons = {
  unreachable: noAnswerReason,
  refused: "the database refuses new connections",
  readOnly: "the database does not take writes: it is a standby or read-only",
  commitHangs: "commits do not complete: a synchronous standby may be missing",
  failed: "the database reports an error",
} as const;

/**
 * A function that probes the database. Each call queries over a lasting connection of `lasting`. Every few seconds, and
 * always after a failure, it also commits a write over a new connection of `passing`, whose pool nothing else uses: existing
 * connections outlive a role's right to log in, and on a primary that has lost its synchronous standbys only COMMIT hangs.
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

function problem(reason: keyof typeof reasons, cause?: unknown): Problem {
  return { isGood: false, reason: reasons[reason], cause };
}

/** An error without a SQLSTATE means that there is no connection or that it broke. PostgreSQL sent the others. */
function problemOf(error: unknown): Problem {
  if (error instanceof ConnectFailure) {
    return problem(sqlState(error.cause) === undefined ? "unreachable" : "refused", error);
  }
  return problem(sqlState(error) === undefined ? "unreachable" : "failed", error);
}

async function ask(database: Database): Promise<Problem | undefined> {
  try {
    const connection = await database.connect();
    let isUseless = true;
    try {
      isUseless = await isReadOnly(connection);
    } finally {
      // A new connection may lead to another server.
      connection.release(isUseless);
    }
    return isUseless ? problem("readOnly") : undefined;
  } catch (error) {
    return problemOf(error);
  }
}

async function tryWrite(lasting: Database, passing: Database): Promise<Problem | undefined> {
  try {
    const connection = await passing.connect();
    try {
      return await write(connection, lasting);
    } finally {
      connection.release(true);
    }
  } catch (error) {
    return cannotTryStates.has(sqlState(error) ?? "") ? undefined : problemOf(error);
  }
}

/**
 * Writes one record to the write-ahead log: no table changes, and there is nothing to vacuum. Without a record COMMIT would
 * not wait for standbys. The tag identifies this statement in pg_stat_activity. It is first, since the view may show no
 * more than the first 100 bytes (track_activity_query_size).
 */
const writeStatement = (tag: string) => `${tag}
  begin;
  set local statement_timeout = ${statementTimeoutMs};
  select pg_logical_emit_message(true, 'frontrow', '');
  commit`;

async function write(connection: Connection, lasting: Database): Promise<Problem | undefined> {
  if (await isReadOnly(connection)) return problem("readOnly");
  const tag = `/* frontrow probe ${randomUUID()} */`;
  const commit = connection.query(writeStatement(tag));
  if (await settlesWithin(commit, commitTimeoutMs)) {
    await commit;
    return undefined;
  }
  await endWait(lasting, tag).catch(() => {});
  await commit.catch(() => {});
  return problem("commitHangs");
}

async function isReadOnly(connection: Connection): Promise<boolean> {
  const { rows } = await connection.query<{ isReadOnly: boolean }>(
    `select pg_is_in_recovery() or current_setting('transaction_read_only') = 'on' as "isReadOnly"`,
  );
  return rows[0]?.isReadOnly ?? true;
}

/**
 * Ends the probe's wait for a standby. Neither a timeout of PostgreSQL's nor a closed connection does: each probe would leave
 * a session. The record is then on the primary only, which does not matter. The tag restricts this to the probe's own wait:
 * behind a pooler its session may belong to another client a moment later.
 */
async function endWait(database: Database, tag: string): Promise<void> {
  const connection = await database.connect();
  try {
    await connection.query(
      "select pg_cancel_backend(pid) from pg_stat_activity where starts_with(query, $1) and wait_event = 'SyncRep'",
      [tag],
    );
  } finally {
    connection.release();
  }
}
