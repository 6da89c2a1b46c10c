import type pg from "pg";
import { DatabaseError } from "pg";
import type { Answers } from "./answers.ts";
import type { PreparedSupport } from "./prepared-support.ts";
import { isFromReadOnlyServer } from "./sqlstate.ts";

/** A connection of the pool. Statements that are sent without waiting for one another share a flight. */
export interface Connection {
  query(statement: string | pg.QueryConfig, values?: unknown[]): Promise<pg.QueryResult>;
  /** Gives it back; `destroy` closes one that is broken or in an unknown state. */
  release(destroy?: boolean): void;
}

/** What all connections of a pool share. */
export interface ConnectionLimits {
  /** A statement that has no answer after so long is given up, and its connection cut; undefined waits for ever. */
  readonly answerTimeoutMs?: number | undefined;
  readonly answers: Answers;
  readonly prepared: PreparedSupport;
}

/**
 * The server's own timeouts end what takes long. What outlasts even those has lost its network, of which TCP may tell only
 * after a quarter of an hour: cutting the connection gives the pool its place back and ends the wait as a lost connection.
 * Nor does a connection go back to the pool whose server only reads: every repeat would meet it again.
 */
export function guardConnection(client: pg.PoolClient, limits: ConnectionLimits): Connection {
  const { answerTimeoutMs, answers, prepared } = limits;
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
    const timer = answerTimeoutMs === undefined ? undefined : setTimeout(cut, answerTimeoutMs);
    try {
      const result = await client.query(prepared.apply(statement), values);
      answers.heard();
      return result;
    } catch (error) {
      if (error instanceof DatabaseError) answers.heard();
      prepared.failed(error);
      isReadOnly ||= isFromReadOnlyServer(error);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  };
  return { query, release };
}

/**
 * A connection whose every statement is a read-only transaction with a time limit, in one flight, for poolers that take no
 * limit at the start of a connection. One that is set later would reach the other clients of a transaction pooler.
 */
export function boundReads({ query, release }: Connection, statementTimeoutMs: number): Connection {
  const begin = `begin isolation level read committed read only; set local statement_timeout = ${statementTimeoutMs}`;
  return {
    release,
    async query(statement, values) {
      const [begun, answer] = await Promise.allSettled([query(begin), query(statement, values), query("commit")]);
      if (answer.status === "fulfilled" && begun.status === "fulfilled") return answer.value;
      throw begun.status === "rejected" ? begun.reason : (answer as PromiseRejectedResult).reason;
    },
  };
}
