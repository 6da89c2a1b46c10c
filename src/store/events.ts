import type { CallTrace } from "../domain/call-trace.ts";

/** The pool that serves calls, or one of the few connections beside it for health checks, migrations and recovery. */
export type PoolName = "main" | "aside";

/** Work of a call that is traced, from before its wait for a connection until its end. */
export interface TracedWork {
  readonly trace: CallTrace;
  readonly kind: "read" | "transaction";
  /** By the monotonic clock. */
  readonly startedAtMs: number;
  readonly error: unknown;
}

/** What the store publishes. */
export interface StoreEvents {
  /** An idle connection of the pool broke. */
  readonly "store.connection_lost": { readonly error: Error };
  /**
   * Work that needs a connection got one, or gave up, after this wait. It begins before the work waits for a place among those
   * of its kind.
   */
  readonly "store.connection_waited": { readonly pool: PoolName; readonly waitMs: number };
  /** The pool lent a connection. */
  readonly "store.connection_lent": { readonly pool: PoolName };
  /** A connection was returned to the pool. The number of lent events minus that of returned ones is in use. */
  readonly "store.connection_returned": { readonly pool: PoolName; readonly heldMs: number };
  /** A caller got no connection: it waited too long, or, after no wait, too many others waited. */
  readonly "store.connection_refused": { readonly waitMs: number };
  /** The server no longer has a prepared statement, as behind a pooler: statements are sent unnamed from now on. */
  readonly "store.prepared_statement_lost": { readonly error: unknown };
  /** A read or a transaction is repeated after a transient error. `attempt` counts the repeats from 1. */
  readonly "store.retried": { readonly error: unknown; readonly attempt: number };
  /** A read or a transaction of a traced call has ended, its repetitions included. */
  readonly "store.traced_work": TracedWork;
  /** The response to a transaction's COMMIT was lost. */
  readonly "store.commit_in_doubt": { readonly error: unknown };
  /** What became of such a transaction. */
  readonly "store.commit_settled": { readonly outcome: "committed" | "aborted" | "unknown" };
}
