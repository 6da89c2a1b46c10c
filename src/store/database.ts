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
    application_name: "frontrow",
    types: columnTypes,
  });
  // Without a listener, a broken idle connection would end the process.
  pool.on("error", onError);
  const db = new Kysely<DB>({
    dialect: new PostgresDialect({
      pool: { options: pool.options, connect: () => connect(pool), end: () => pool.end() },
    }),
  });
  return { db, close: () => db.destroy() };
}

async function connect(pool: pg.Pool): Promise<PostgresPoolClient> {
  if (pool.waitingCount >= maxWaitingCallers) throw overloaded();
  try {
    return await pool.connect();
  } catch (error) {
    // pg-pool's own words for "all connections stayed busy"; it gives no code.
    if (error instanceof Error && error.message === "timeout exceeded when trying to connect") throw overloaded(error);
    throw error;
  }
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
