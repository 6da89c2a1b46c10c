import pg from "pg";

/** What a process has sent to its database so far. */
export interface StatementCounts {
  readonly statements: number;
  /** Of these, those that opened a transaction. */
  readonly transactions: number;
  /** Of these, those that only read. */
  readonly reads: number;
}

/** The statements of readiness, which belong to no call. */
const probe = /\b(?:pg_is_in_recovery|pg_logical_emit_message)\(/;
const opensTransaction = /^\s*(?:begin|start transaction)\b/i;
const onlyReads = /^\s*select\b(?!.*\bfor update\b)/is;

/** Counts every statement that this process sends through `pg` from now on. */
export function countStatements(): () => StatementCounts {
  let statements = 0;
  let transactions = 0;
  let reads = 0;
  const { query } = pg.Client.prototype;
  function countingQuery(this: pg.Client, ...args: unknown[]): unknown {
    const [statement] = args;
    const text = typeof statement === "string" ? statement : (statement as { text?: string } | undefined)?.text;
    if (text !== undefined && !probe.test(text)) {
      statements++;
      if (opensTransaction.test(text)) transactions++;
      else if (onlyReads.test(text)) reads++;
    }
    return Reflect.apply(query, this, args);
  }
  Object.assign(pg.Client.prototype, { query: countingQuery });
  return () => ({ statements, transactions, reads });
}
