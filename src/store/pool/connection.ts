/** One connection of a pool: what bounds its statements in time, and what all connections of a store share. */
import type pg from "pg";
import { DatabaseError } from "pg";
import { DomainError, retryDelayMs } from "../../domain/failure.ts";
import type { Publish } from "../../domain/publish.ts";
import type { StoreEvents } from "../events.ts";
import { isFromReadOnlyServer, isStatementLost } from "../sqlstate.ts";

/** A connection of the pool. Statements that are sent without waiting for one another share a flight. */
export interface Connection {
  query<Row extends object = Record<string, unknown>>(
    statement: string | pg.QueryConfig,
    values?: unknown[],
  ): Promise<pg.QueryResult<Row>>;
  /** Gives the connection back. `destroy` closes one that is broken or in an unknown state. */
  release(destroy?: boolean): void;
}

/** Whether the server responds, over any connection of a store. */
export type ServerActivity = ReturnType<typeof createServerActivity>;

/** Counts from now: before its first response the server has as long as after one. */
export function createServerActivity(publish: Publish<StoreEvents>) {
  let respondedAtMs = performance.now();
  return {
    noteResponse(): void {
      respondedAtMs = performance.now();
    },
    /**
     * The refusal of a caller that got no connection within its wait. The callers before it hold the connections for one of
     * two reasons: they are too many, or the server does not respond. After no wait it is the first.
     */
    refusal(waitMs: number, cause?: unknown): DomainError {
      publish("store.connection_refused", { waitMs });
      const isResponding = waitMs === 0 || performance.now() - respondedAtMs < waitMs;
      const reason = isResponding ? "OVERLOADED" : "DATABASE_UNAVAILABLE";
      return new DomainError({ reason, retryDelayMs }, { cause });
    },
  };
}

/** Whether statements are sent with their names, so that PostgreSQL keeps them. */
type PreparedSupport = ReturnType<typeof createPreparedSupport>;

/** Sends names if `isAllowed`, until the first statement is lost. */
export function createPreparedSupport(isAllowed: boolean, publish: Publish<StoreEvents>) {
  let isKept = isAllowed;
  return {
    /** The statement as it is to be sent. */
    apply(statement: string | pg.QueryConfig): string | pg.QueryConfig {
      if (isKept || typeof statement === "string") return statement;
      const { name: _, ...unnamed } = statement;
      return unnamed;
    },
    noteError(error: unknown): void {
      if (!isKept || !isStatementLost(error)) return;
      isKept = false;
      publish("store.prepared_statement_lost", { error });
    },
  };
}

/** What all connections of a store share. */
export interface ConnectionLimits {
  /** A statement without a response after this time fails, and its connection is cut. Undefined: no limit. */
  readonly answerTimeoutMs?: number | undefined;
  readonly activity: ServerActivity;
  readonly prepared: PreparedSupport;
}

/**
 * PostgreSQL's own timeouts end a statement that takes long. A statement that outlasts them has lost its network, which TCP
 * may report only after a quarter of an hour: cutting the connection ends the wait and frees its place in the pool.
 * A connection to a server that only reads does not go back to the pool either: every retry would get it again.
 */
export function guardConnection(client: pg.PoolClient, limits: ConnectionLimits, onReleased: () => void): Connection {
  const { answerTimeoutMs, activity, prepared } = limits;
  let isReleased = false;
  let isReadOnly = false;
  const release = (destroy?: boolean) => {
    if (isReleased) return;
    isReleased = true;
    client.release(destroy || isReadOnly);
    onReleased();
  };
  const cut = () => {
    // Ending a connection that pipelines would wait for its responses.
    client.connection.stream.destroy();
    release(true);
  };
  return {
    release,
    async query<Row extends object>(statement: string | pg.QueryConfig, values?: unknown[]) {
      const timer = answerTimeoutMs === undefined ? undefined : setTimeout(cut, answerTimeoutMs);
      try {
        const result = await client.query<Row>(prepared.apply(statement), values);
        activity.noteResponse();
        return result;
      } catch (error) {
        if (error instanceof DatabaseError) activity.noteResponse();
        prepared.noteError(error);
        isReadOnly ||= isFromReadOnlyServer(error);
        throw error;
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

/**
 * A connection whose every statement is a read-only transaction with a time limit, in one flight. For poolers that accept no
 * limit at the start of a connection: a limit that is set later would reach the other clients of a transaction pooler.
 */
export function boundReads({ query, release }: Connection, statementTimeoutMs: number): Connection {
  const begin = `begin isolation level read committed read only; set local statement_timeout = ${statementTimeoutMs}`;
  return {
    release,
    async query<Row extends object>(statement: string | pg.QueryConfig, values?: unknown[]) {
      const flight = { begun: query(begin), answer: query<Row>(statement, values), ended: query("commit") };
      await Promise.allSettled(Object.values(flight));
      await flight.begun;
      return await flight.answer;
    },
  };
}
