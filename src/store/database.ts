import { readFileSync } from "node:fs";
import type { Duplex } from "node:stream";
import { Kysely, PostgresDialect } from "kysely";
import pg from "pg";
import { DomainError, retryDelayMs } from "../domain/errors.ts";
import { settlesWithin } from "../domain/settles-within.ts";
import { isFromReadOnlyServer } from "./database-errors.ts";
import type { DB } from "./tables.ts";

/** How to reach PostgreSQL, and how much of it to use. */
export interface DatabaseOptions {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  readonly name: string;
  readonly sslMode: "disable" | "require" | "verify-full";
  /** A PEM file of certificate authorities for verify-full; the system's when undefined. */
  readonly sslCaFile?: string | undefined;
  readonly poolSize: number;
  /** A statement that runs so long is ended by PostgreSQL, unless its transaction says otherwise; undefined for no limit. */
  readonly statementTimeoutMs?: number | undefined;
  /** A statement that has no answer after so long is given up, and its connection cut; undefined waits for ever. */
  readonly answerTimeoutMs?: number | undefined;
}

/** A connection of the pool. Statements that are sent without waiting for one another share a flight. */
export interface Connection {
  query(statement: string | pg.QueryConfig, values?: unknown[]): Promise<pg.QueryResult>;
  /** Gives it back; `destroy` closes one that is broken or in an unknown state. */
  release(destroy?: boolean): void;
}

/** A connection pool and its typed query builder. */
export interface Database {
  readonly db: Kysely<DB>;
  /** Takes a connection of the pool for statements that Kysely does not send; who takes it releases it. */
  connect(): Promise<Connection>;
  /**
   * Ends both. Connections that have not closed after a while are cut, such as those that wait for a lock or whose network is
   * gone. Resolves with whether there were none.
   */
  close(): Promise<boolean>;
}

/** Past this many callers waiting for a connection, the next one is refused at once. */
export const maxWaitingCallers = 10_000;
/** A caller who has waited this long for a connection is refused. */
export const maxWaitMs = 5_000;
/** How long connections may take to close at the end. */
const closeTimeoutMs = 3_000;
/** Idle connections are probed this often, so that one whose network is gone is found before a caller gets it. */
const keepAliveMs = 10_000;
/**
 * PostgreSQL keeps the plans of statements and foreign keys for as long as a connection lives. Those that it made when a
 * table was small are ruinous once it has grown, so that none may get older than this.
 */
const maxPlanAgeMs = 1_000;

// PostgreSQL's type numbers (pg_type.oid) of the columns that need more than a JavaScript number or string.
const int8Oid = 20;
const timestamptzOid = 1184;

/** Ids become bigint, instants keep their microseconds; other types as `pg` reads them (numeric stays a string). */
const columnTypes: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: "text" | "binary") => {
    if (oid === int8Oid) return BigInt;
    if (oid === timestamptzOid) return (text: string) => Temporal.Instant.from(text);
    return pg.types.getTypeParser(oid, format);
  }) as typeof pg.types.getTypeParser,
};

/** Opens a pool. Nothing connects until the first query; `onError` hears of idle connections that break. */
export function createDatabase(options: DatabaseOptions, onError: (error: Error) => void): Database {
  const pool = new pg.Pool({
    host: options.host,
    port: options.port,
    user: options.username,
    password: options.password,
    database: options.name,
    ssl: sslOptions(options),
    max: options.poolSize,
    connectionTimeoutMillis: maxWaitMs,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: keepAliveMs,
    application_name: "frontrow",
    types: columnTypes,
    pipeline: true,
  });
  // Without listeners a broken connection would end the process: one that is idle, and one that is in use, of which
  // whoever uses it hears from the statement that fails.
  pool.on("error", onError);
  pool.on("connect", (client) => {
    client.on("error", () => {});
    // Not as a parameter of the connection, which poolers refuse. Of one that is broken, whoever takes it hears.
    const { statementTimeoutMs } = options;
    if (statementTimeoutMs !== undefined) client.query(`set statement_timeout = ${statementTimeoutMs}`).catch(() => {});
  });
  const renewPlans = createPlanRenewal();
  const connect = () => takeConnection(pool, renewPlans, options.answerTimeoutMs);
  const db = new Kysely<DB>({
    dialect: new PostgresDialect({
      // The type also speaks of cursors, which Kysely uses only when given a class for them.
      pool: { options: pool.options, connect: connect as () => Promise<never>, end: () => pool.end() },
    }),
  });
  const sockets = trackSockets(pool);
  const close = async () => {
    const ended = async () => {
      await db.destroy();
      // Kysely ends the pool only if it has itself used it.
      if (!pool.ending) await pool.end();
      await sockets.closed();
    };
    if (await settlesWithin(ended(), closeTimeoutMs)) return true;
    sockets.destroy();
    return false;
  };
  return { db, connect, close };
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

async function takeConnection(
  pool: pg.Pool,
  renewPlans: (client: pg.PoolClient) => void,
  answerTimeoutMs: number | undefined,
): Promise<Connection> {
  if (pool.waitingCount >= maxWaitingCallers) throw overloaded();
  try {
    const client = await pool.connect();
    renewPlans(client);
    return answerTimeoutMs === undefined ? client : discardWhenUseless(client, answerTimeoutMs);
  } catch (error) {
    // pg-pool's own words for "all connections stayed busy"; it gives no code.
    if (error instanceof Error && error.message === "timeout exceeded when trying to connect") throw overloaded(error);
    throw error;
  }
}

/** Has a connection forget plans that are old, ahead of what it is taken for and without waiting. */
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

/**
 * The server's own timeouts end what takes long. What outlasts even those has lost its network, of which TCP may tell only
 * after a quarter of an hour: cutting the connection gives the pool its place back and ends the wait as a lost connection.
 * Nor does a connection go back to the pool whose server only reads: every repeat would meet it again.
 */
function discardWhenUseless(client: pg.PoolClient, answerTimeoutMs: number): Connection {
  let released = false;
  let isReadOnly = false;
  const release = (destroy?: boolean) => {
    if (!released) client.release(destroy || isReadOnly);
    released = true;
  };
  const cut = () => {
    // To end a connection that pipelines would be to wait for its answers.
    client.connection.stream.destroy();
    release(true);
  };
  const query: Connection["query"] = async (statement, values) => {
    const timer = setTimeout(cut, answerTimeoutMs);
    try {
      return await client.query(statement, values);
    } catch (error) {
      isReadOnly ||= isFromReadOnlyServer(error);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  };
  return { query, release };
}

/** What a caller hears for whom no connection is to be had. */
export function overloaded(cause?: unknown): DomainError {
  return new DomainError({ reason: "OVERLOADED", retryDelayMs }, { cause });
}

/** The `ssl` option of `pg` for a mode of libpq's `sslmode`. */
export function sslOptions(options: Pick<DatabaseOptions, "sslMode" | "sslCaFile">): pg.ClientConfig["ssl"] {
  switch (options.sslMode) {
    case "disable":
      return false;
    case "require":
      return { rejectUnauthorized: false };
    case "verify-full":
      return {
        rejectUnauthorized: true,
        ...(options.sslCaFile === undefined ? {} : { ca: readFileSync(options.sslCaFile, "utf8") }),
      };
  }
}
