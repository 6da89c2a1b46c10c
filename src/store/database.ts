import { readFileSync } from "node:fs";
import { Kysely, PostgresDialect, type PostgresPoolClient } from "kysely";
import pg from "pg";
import { DomainError } from "../domain/errors.ts";
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
  /** A statement that has no answer after so long is given up, and its connection cut; undefined waits for ever. */
  readonly answerTimeoutMs?: number | undefined;
}

/** A connection pool and its typed query builder. `close` ends both. */
export interface Database {
  readonly db: Kysely<DB>;
  close(): Promise<void>;
}

/** Past this many callers waiting for a connection, the next one is refused at once. */
const maxWaitingCallers = 10_000;
/** A caller who has waited this long for a connection is refused. */
const connectTimeoutMs = 5_000;
/** Idle connections are probed this often, so that one whose network is gone is found before a caller gets it. */
const keepAliveMs = 10_000;
const overloadRetryDelayMs = 1_000;

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
    connectionTimeoutMillis: connectTimeoutMs,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: keepAliveMs,
    application_name: "frontrow",
    types: columnTypes,
  });
  // Without listeners a broken connection would end the process: one that is idle, and one that is in use, of which
  // whoever uses it hears from the statement that fails.
  pool.on("error", onError);
  pool.on("connect", (client) => client.on("error", () => {}));
  const db = new Kysely<DB>({
    dialect: new PostgresDialect({
      pool: { options: pool.options, connect: () => connect(pool, options.answerTimeoutMs), end: () => pool.end() },
    }),
  });
  return { db, close: () => db.destroy() };
}

async function connect(pool: pg.Pool, answerTimeoutMs: number | undefined): Promise<PostgresPoolClient> {
  if (pool.waitingCount >= maxWaitingCallers) throw overloaded();
  try {
    const client = await pool.connect();
    return answerTimeoutMs === undefined ? client : cutWhenSilent(client, answerTimeoutMs);
  } catch (error) {
    // pg-pool's own words for "all connections stayed busy"; it gives no code.
    if (error instanceof Error && error.message === "timeout exceeded when trying to connect") throw overloaded(error);
    throw error;
  }
}

/**
 * The server's own timeouts end what takes long. What outlasts even those has lost its network, of which TCP may tell only
 * after a quarter of an hour: cutting the connection gives the pool its place back and ends the wait as a lost connection.
 */
function cutWhenSilent(client: pg.PoolClient, answerTimeoutMs: number): PostgresPoolClient {
  let released = false;
  const release = (destroy?: boolean) => {
    if (!released) client.release(destroy);
    released = true;
  };
  const query = async (text: string, values: unknown[]) => {
    const timer = setTimeout(release, answerTimeoutMs, true);
    try {
      return await client.query(text, values);
    } finally {
      clearTimeout(timer);
    }
  };
  // The type also speaks of cursors, which Kysely uses only when given a class for them.
  return { query: query as unknown as PostgresPoolClient["query"], release };
}

function overloaded(cause?: unknown): DomainError {
  return new DomainError({ reason: "OVERLOADED", retryDelayMs: overloadRetryDelayMs }, { cause });
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
