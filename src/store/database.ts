import { Kysely } from "kysely";
import pg from "pg";
import { DomainError, retryDelayMs } from "../domain/errors.ts";
import { type Answers, createAnswers } from "./answers.ts";
import { type ConnectionOptions, createClientClass, createEncryption, type Encryption } from "./client.ts";
import { boundReads, type Connection, type ConnectionLimits, guardConnection } from "./connection.ts";
import { ConnectFailure } from "./database-errors.ts";
import { LocklessDialect } from "./migrate.ts";
import { createPreparedSupport } from "./prepared-support.ts";
import type { DB } from "./tables.ts";

export type { Connection } from "./connection.ts";

/** How to reach PostgreSQL, and how much of it to use. */
export interface DatabaseOptions extends ConnectionOptions, Partial<ConnectionLimits> {
  readonly poolSize: number;
  /** PostgreSQL ends a statement of a read that runs so long; undefined for no limit. */
  readonly readTimeoutMs?: number | undefined;
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
  /** Ends both. */
  close(): Promise<void>;
}

/** Past this many callers waiting for a connection, the next one is refused at once. */
export const maxWaitingCallers = 10_000;
/** A caller who has waited this long for a connection is refused. */
export const maxWaitMs = 5_000;
/**
 * PostgreSQL keeps the plans of statements and foreign keys for as long as a connection lives. Those that it made when a
 * table was small are ruinous once it has grown, so that none may get older than this.
 */
const maxPlanAgeMs = 1_000;

/** Opens a pool. Nothing connects until the first query; `onError` hears of idle connections that break. */
export function createDatabase(options: DatabaseOptions, onError: (error: Error) => void): Database {
  const encryption = createEncryption(options);
  const pool = new pg.Pool({
    Client: createClientClass({ ...options, connectTimeoutMs: connectTimeoutMs(options) }, encryption),
    max: options.poolSize,
    connectionTimeoutMillis: maxWaitMs,
    idleTimeoutMillis: 30_000,
  });
  // Without a listener an idle connection that breaks would end the process.
  pool.on("error", onError);
  const { answers = createAnswers(), prepared = createPreparedSupport(() => {}), answerTimeoutMs } = options;
  pool.on("connect", () => answers.heard());
  const renewPlans = createPlanRenewal();
  const connect = async () => {
    const client = await takeClient(pool, encryption, answers);
    renewPlans(client);
    return guardConnection(client, { answers, prepared, answerTimeoutMs });
  };
  const access = accessOf(pool, connect);
  const reads = accessOf(pool, async () => boundReads(await connect(), options.readTimeoutMs ?? 0));
  const close = async () => {
    await Promise.all([access.db.destroy(), reads.db.destroy()]);
    await pool.end();
  };
  return { ...access, reads, close };
}

/** The pool waits no longer, whatever the options say. */
function connectTimeoutMs(options: ConnectionOptions): number {
  return Math.min(options.connectTimeoutMs ?? maxWaitMs, maxWaitMs);
}

function accessOf(pool: pg.Pool, connect: () => Promise<Connection>): Access {
  const db = new Kysely<DB>({
    dialect: new LocklessDialect({
      // The type also speaks of cursors, which Kysely uses only when given a class for them.
      pool: { options: pool.options, connect: connect as () => Promise<never>, end: async () => {} },
    }),
  });
  return { db, connect };
}

async function takeClient(pool: pg.Pool, encryption: Encryption, answers: Answers): Promise<pg.PoolClient> {
  if (pool.waitingCount >= maxWaitingCallers) throw overloaded();
  const { isOn } = encryption;
  return await pool
    .connect()
    .catch((error: unknown) => {
      if (encryption.fallBack(error, isOn)) return pool.connect();
      throw error;
    })
    .catch((error: unknown) => {
      // pg-pool's own words for "all connections stayed busy"; it gives no code.
      const isWaitOver = error instanceof Error && error.message === "timeout exceeded when trying to connect";
      throw isWaitOver ? answers.refusal(maxWaitMs, error) : new ConnectFailure(error);
    });
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

/** What a caller hears for whom no connection is to be had. */
export function overloaded(cause?: unknown): DomainError {
  return new DomainError({ reason: "OVERLOADED", retryDelayMs }, { cause });
}
