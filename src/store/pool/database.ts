import type { Duplex } from "node:stream";
import { Kysely, type LogEvent } from "kysely";
import pg from "pg";
import { settlesWithin } from "../../domain/clock.ts";
import type { Publish } from "../../domain/publish.ts";
import type { PoolName, StoreEvents } from "../events.ts";
import { LocklessDialect } from "../migrate.ts";
import { ConnectFailure } from "../sqlstate.ts";
import type { DB } from "../tables.ts";
import { type ConnectionOptions, createClientClass, createHandshake, type Handshake } from "./client.ts";
import {
  boundReads,
  type Connection,
  type ConnectionLimits,
  guardConnection,
  type ServerActivity,
} from "./connection.ts";
import { maxWaitingCallers, maxWaitMs } from "./semaphore.ts";
import { measureWait } from "./wait.ts";

/** How to reach PostgreSQL, and how much of it to use. */
export interface DatabaseOptions extends ConnectionOptions, ConnectionLimits {
  readonly pool: PoolName;
  readonly poolSize: number;
  readonly publish: Publish<StoreEvents>;
  /** Called with the error of each statement that fails, in their order. */
  readonly onStatementError?: (error: unknown) => void;
}

/** A way to take connections of the pool: by Kysely, or for statements that Kysely does not send. */
export interface Access {
  /** Its caller publishes the wait for a connection, which may begin before Kysely asks for one. */
  readonly db: Kysely<DB>;
  /** Takes a connection of the pool, and publishes the wait for it. The caller releases it. */
  connect(): Promise<Connection>;
}

/** A connection pool and its typed query builder. */
export interface Database extends Access {
  /** For reads outside a transaction: each statement is bounded in time. */
  readonly reads: Access;
  /**
   * Ends both. Connections that have not closed within 3 seconds are cut, such as those that wait for a lock or have lost
   * their network. Resolves with whether there were none. Further calls return the same promise.
   */
  close(): Promise<boolean>;
}

/** How long connections may take to close at the end. */
const closeTimeoutMs = 3_000;
/**
 * PostgreSQL keeps the plans of statements and foreign keys for the lifetime of a connection. A plan from when a table was
 * small is very slow once the table has grown, so no plan gets older than this.
 */
const maxPlanAgeMs = 1_000;

/** Opens a pool. Nothing connects until the first query. */
export function createDatabase(options: DatabaseOptions): Database {
  const { activity, publish, statementTimeoutMs = 0, connectTimeoutMs = maxWaitMs } = options;
  const handshake = createHandshake(options);
  const pool = new pg.Pool({
    // A caller waits for the pool no longer, so a connection attempt that takes longer is of no use.
    Client: createClientClass({ ...options, connectTimeoutMs: Math.min(connectTimeoutMs, maxWaitMs) }, handshake),
    max: options.poolSize,
    connectionTimeoutMillis: maxWaitMs,
    idleTimeoutMillis: 30_000,
  });
  // Without a listener an idle connection that breaks would end the process.
  pool.on("error", (error) => publish("store.connection_lost", { error }));
  pool.on("connect", () => activity.noteResponse());
  const isBounded = watchTimeouts(pool, statementTimeoutMs);
  const renewPlans = createPlanRenewal();
  const lend = async (isForReads: boolean) => {
    const client = await waitForClient(pool, handshake, activity);
    const lentAtMs = performance.now();
    publish("store.connection_lent", { pool: options.pool });
    renewPlans(client);
    const onReleased = () => {
      publish("store.connection_returned", { pool: options.pool, heldMs: performance.now() - lentAtMs });
    };
    const connection = guardConnection(client, options, onReleased);
    return isForReads && !isBounded(client) ? boundReads(connection, statementTimeoutMs) : connection;
  };
  const log = (event: LogEvent) => event.level === "error" && options.onStatementError?.(event.error);
  const accessBy = (connect: () => Promise<Connection>): Access => ({
    db: openKysely(pool, connect, log),
    connect: () => measureWait(options.pool, publish, connect),
  });
  const access = accessBy(() => lend(false));
  const reads = accessBy(() => lend(true));
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

/** The sockets of a pool's connections. The pool itself counts a connection as closed once it has asked for it. */
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

function openKysely(pool: pg.Pool, connect: () => Promise<Connection>, log: (event: LogEvent) => void): Kysely<DB> {
  return new Kysely<DB>({
    log,
    dialect: new LocklessDialect({
      // The type includes cursors, which Kysely uses only when given a class for them.
      pool: { options: pool.options, connect: connect as () => Promise<never>, end: async () => {} },
    }),
  });
}

/**
 * Reads from each new connection whether it has the time limit that was sent at its start: a pooler may have refused or
 * ignored it. The query goes ahead of the statement that the connection was made for.
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
      // If the connection is broken, the statement behind this one reports it.
      () => {},
    );
  });
  return (client) => bounded.has(client);
}

/** A connection may have to begin with or without TLS, and without the time limit. */
const maxFallBacks = 2;

async function waitForClient(pool: pg.Pool, handshake: Handshake, activity: ServerActivity): Promise<pg.PoolClient> {
  if (pool.waitingCount >= maxWaitingCallers) throw activity.refusal(0);
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
      // pg-pool's message for "all connections stayed busy". It sets no code.
      const isWaitOver = error instanceof Error && error.message === "timeout exceeded when trying to connect";
      throw isWaitOver ? activity.refusal(maxWaitMs, error) : new ConnectFailure(error);
    }
  }
}

/**
 * Discards the old plans of a connection that is lent, ahead of its first statement and without waiting. Behind a
 * transaction pooler these may be another client's plans: no setting and no result changes, and each connection costs at
 * most one planning a second.
 */
function createPlanRenewal(): (client: pg.PoolClient) => void {
  const renewedAtMs = new WeakMap<pg.PoolClient, number>();
  return (client) => {
    const nowMs = performance.now();
    const lastMs = renewedAtMs.get(client);
    if (lastMs !== undefined && nowMs - lastMs < maxPlanAgeMs) return;
    renewedAtMs.set(client, nowMs);
    // If the connection is broken, the next statement reports it.
    if (lastMs !== undefined) client.query("discard plans").catch(() => {});
  };
}
