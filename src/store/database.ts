import type { Duplex } from "node:stream";
import { Kysely, type LogEvent } from "kysely";
import pg from "pg";
import { settlesWithin } from "../domain/clock.ts";
import { DomainError, retryDelayMs } from "../domain/failure.ts";
import { type Answers, createAnswers } from "./answers.ts";
import { type ConnectionOptions, createClientClass, createHandshake, type Handshake } from "./client.ts";
import { boundReads, type Connection, type ConnectionLimits, guardConnection } from "./connection.ts";
import { LocklessDialect } from "./lockless-dialect.ts";
import { createPreparedSupport } from "./prepared-support.ts";
import { ConnectFailure } from "./sqlstate.ts";
import type { DB } from "./tables.ts";

export type { Connection } from "./connection.ts";

/** How to reach PostgreSQL, and how much of it to use. */
export interface DatabaseOptions extends ConnectionOptions, Partial<ConnectionLimits> {
  readonly poolSize: number;
  /** Called with the error of each statement that fails, in their order. */
  readonly onStatementError?: (error: unknown) => void;
}

/** A way to take connections of the pool: by Kysely, or for statements that Kysely does not send. */
export interface Access {
  readonly db: Kysely<DB>;
  /** Takes a connection of the pool, which the caller releases. */
  connect(): Promise<Connection>;
}

/** A connection pool and its typed query builder. */
export interface Database extends Access {
  /** For reads outside a transaction: each statement is bounded in time. */
  readonly reads: Access;
  /**
   * Ends both. Connections that have not closed after a while are cut, such as those that wait for a lock or whose network is
   * gone. Resolves with whether there were none. Further calls return the same promise.
   */
  close(): Promise<boolean>;
}

/** Past this many callers waiting for a connection, the next one is refused at once. */
export const maxWaitingCallers = 10_000;
/** A caller who has waited this long for a connection is refused. */
export const maxWaitMs = 5_000;
/** How long connections may take to close at the end. */
const closeTimeoutMs = 3_000;
/**
 * PostgreSQL keeps the plans of statements and foreign keys for as long as a connection lives. Those that it made when a
 * table was small are ruinous once it has grown, so that none may get older than this.
 */
const maxPlanAgeMs = 1_000;

/** Opens a pool. Nothing connects until the first query; `onError` hears of idle connections that break. */
export function createDatabase(options: DatabaseOptions, onError: (error: Error) => void): Database {
  const handshake = createHandshake(options);
  const pool = new pg.Pool({
    Client: createClientClass({ ...options, connectTimeoutMs: connectTimeoutMs(options) }, handshake),
    max: options.poolSize,
    connectionTimeoutMillis: maxWaitMs,
    idleTimeoutMillis: 30_000,
  });
  // Without a listener an idle connection that breaks would end the process.
  pool.on("error", onError);
  const { answers = createAnswers(), prepared = createPreparedSupport(true, () => {}), answerTimeoutMs } = options;
  const { statementTimeoutMs = 0 } = options;
  const isBounded = watchTimeouts(pool, statementTimeoutMs);
  pool.on("connect", () => answers.heard());
  const renewPlans = createPlanRenewal();
  const takeClient = () => waitForClient(pool, handshake, answers);
  const guard = (client: pg.PoolClient) => {
    renewPlans(client);
    return guardConnection(client, { answers, prepared, answerTimeoutMs });
  };
  const log = (event: LogEvent) => event.level === "error" && options.onStatementError?.(event.error);
  const access = accessOf(pool, async () => guard(await takeClient()), log);
  const reads = accessOf(
    pool,
    async () => {
      const client = await takeClient();
      const connection = guard(client);
      return isBounded(client) ? connection : boundReads(connection, statementTimeoutMs);
    },
    log,
  );
  const sockets = trackSockets(pool);
  const end = async () => {
    const ended = async () => {
      await Promise.all([access.db.destroy(), reads.db.destroy()]);
      await pool.end();
      await sockets.closed();
    };
    if (await settlesWithin(ended(), closeTimeoutMs)) return true;
    sockets.destroy();
    return false;
  };
  let closing: Promise<boolean> | undefined;
  const close = () => {
    closing ??= end();
    return closing;
  };
  return { ...access, reads, close };
}

/** The sockets of a pool's connections: the pool itself takes a connection that it has asked to close for closed. */
function trackSockets(pool: pg.Pool) {
  const sockets = new Set<Duplex>();
  pool.on("connect", ({ connection: { stream } }) => {
    sockets.add(stream);
    stream.once("close", () => sockets.delete(stream));
  });
  return {
    closed: async () => {
      await Promise.all([...sockets].map((socket) => new Promise((resolve) => socket.once("close", resolve))));
    },
    destroy: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** The pool waits no longer, whatever the options say. */
function connectTimeoutMs(options: ConnectionOptions): number {
  return Math.min(options.connectTimeoutMs ?? maxWaitMs, maxWaitMs);
}

function accessOf(pool: pg.Pool, connect: () => Promise<Connection>, log: (event: LogEvent) => void): Access {
  const db = new Kysely<DB>({
    log,
    dialect: new LocklessDialect({
      // The type also speaks of cursors, which Kysely uses only when given a class for them.
      pool: { options: pool.options, connect: connect as () => Promise<never>, end: async () => {} },
    }),
  });
  return { db, connect };
}

/**
 * Asks new connections whether they have the time limit that was sent at their start: a pooler may have refused or ignored
 * it. The question travels ahead of the statement that the connection was made for.
 */
function watchTimeouts(pool: pg.Pool, statementTimeoutMs: number): (client: pg.PoolClient) => boolean {
  const bounded = new WeakSet<pg.PoolClient>();
  if (statementTimeoutMs === 0) return () => true;
  pool.on("connect", (client) => {
    const question = client.query<{ setting: string }>(
      "select setting from pg_settings where name = 'statement_timeout'",
    );
    question.then(
      ({ rows }) => rows[0]?.setting === String(statementTimeoutMs) && bounded.add(client),
      // Of a connection that is broken, the statement behind this one reports it.
      () => {},
    );
  });
  return (client) => bounded.has(client);
}

/** A connection may have to be begun without TLS, or with it, and without the time limit. */
const maxFallBacks = 2;

async function waitForClient(pool: pg.Pool, handshake: Handshake, answers: Answers): Promise<pg.PoolClient> {
  if (pool.waitingCount >= maxWaitingCallers) throw overloaded();
  let beginning = handshake.usual;
  for (let fallBacks = 0; ; fallBacks++) {
    try {
      // The pool makes the client before it returns its promise.
      const client = await handshake.begin(beginning, () => pool.connect());
      if (fallBacks > 0) handshake.succeeded(client);
      return client;
    } catch (error) {
      const alternative = fallBacks < maxFallBacks ? handshake.alternative(error, beginning) : undefined;
      if (alternative !== undefined) {
        beginning = alternative;
        continue;
      }
      // pg-pool's own words for "all connections stayed busy"; it gives no code.
      const isWaitOver = error instanceof Error && error.message === "timeout exceeded when trying to connect";
      throw isWaitOver ? answers.refusal(maxWaitMs, error) : new ConnectFailure(error);
    }
  }
}

/**
 * Has a connection forget plans that are old, ahead of what it is taken for and without waiting. Behind a transaction
 * pooler it may be another client's plans that are forgotten: no setting and no result changes by it, and each connection
 * costs at most one planning a second.
 */
function createPlanRenewal(): (client: pg.PoolClient) => void {
  const renewedAtMs = new WeakMap<pg.PoolClient, number>();
  return (client) => {
    const nowMs = performance.now();
    const lastMs = renewedAtMs.get(client);
    if (lastMs !== undefined && nowMs - lastMs < maxPlanAgeMs) return;
    renewedAtMs.set(client, nowMs);
    // Of a connection that is broken, whoever takes it hears from a statement of their own.
    if (lastMs !== undefined) client.query("discard plans").catch(() => {});
  };
}

/** The refusal of a caller for which there is no connection. */
export function overloaded(): DomainError {
  return new DomainError({ reason: "OVERLOADED", retryDelayMs });
}
