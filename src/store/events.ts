/** What the store publishes. */
export interface StoreEvents {
  /** An idle connection of the pool broke. */
  readonly "store.connection_lost": { readonly error: Error };
  /** The server no longer knows a prepared statement, as behind a pooler. */
  readonly "store.prepared_statement_lost": { readonly error: unknown };
  /** A connection was lent, after this wait. */
  readonly "store.connection_lent": { readonly waitMs: number };
  /** A caller got no connection within its limit. */
  readonly "store.connection_refused": { readonly waitMs: number };
  /** A transaction is repeated after an error with this SQLSTATE. */
  readonly "store.transaction_retried": { readonly sqlstate: string | undefined; readonly attempt: number };
}
