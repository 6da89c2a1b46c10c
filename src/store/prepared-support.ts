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

/**
 * Sends names if `isAllowed`. From the first lost statement on names are left out, and `onLost` is called once, with its error.
 */
export function createPreparedSupport(isAllowed: boolean, onLost: (error: unknown) => void): PreparedSupport {
  let isKept = isAllowed;
  return {
    apply(statement) {
      if (isKept || typeof statement === "string") return statement;
      const { name: _, ...unnamed } = statement;
      return unnamed;
    },
    failed(error) {
      if (!isKept || !isStatementLost(error)) return;
      isKept = false;
      onLost(error);
    },
  };
}
