import pg from "pg";

/** invalid_sql_statement_name, duplicate_prepared_statement. */
const refusingStates = new Set(["26000", "42P05"]);

/**
 * Whether PostgreSQL could not find, or already had, a statement of this name: a pooler has given the transaction another
 * session than the one that prepared it.
 */
export function isStatementLost(error: unknown): boolean {
  return error instanceof pg.DatabaseError && refusingStates.has(error.code ?? "");
}

/** Whether statements are sent with their names, for PostgreSQL to keep. */
export interface PreparedSupport {
  /** The statement as it should be sent. */
  apply(statement: string | pg.QueryConfig): string | pg.QueryConfig;
  /** Takes note of a statement's error. */
  failed(error: unknown): void;
}

/** Statements go without their names from the first one that was lost, of which `onLost` is called once. */
export function createPreparedSupport(onLost: (error: unknown) => void): PreparedSupport {
  let isLost = false;
  return {
    apply(statement) {
      if (!isLost || typeof statement === "string") return statement;
      const { name: _, ...unnamed } = statement;
      return unnamed;
    },
    failed(error) {
      if (isLost || !isStatementLost(error)) return;
      isLost = true;
      onLost(error);
    },
  };
}
