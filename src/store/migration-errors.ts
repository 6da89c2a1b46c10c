/** What PostgreSQL says when a migration fails, with what to do about it. */
import { type Kysely, sql } from "kysely";
import pg from "pg";
import { OperatorError } from "../domain/operator-error.ts";
import type { DB } from "./tables.ts";

/** The schema cannot be brought up to date: a sentence for a person, who can mend it. */
export class MigrationError extends OperatorError {
  override readonly name = "MigrationError";
}

/** insufficient_privilege, and invalid_schema_name: the role may not use any schema of its search path. */
const missingRights = new Set(["42501", "3F000"]);
/**
 * lock_not_available, query_canceled by a timeout of the server's or the role's, and deadlock_detected: bookings that run
 * during the migration may lock its tables in another order.
 */
const lockStates = new Set(["55P03", "57014", "40P01"]);

/** Explains why a migration, or what precedes the first one, failed. */
export async function explainMigrationError(
  db: Kysely<DB>,
  migrationName: string | undefined,
  error: unknown,
): Promise<MigrationError> {
  const what = migrationName === undefined ? "cannot migrate the database" : `the migration ${migrationName} failed`;
  const hint = await adviceFor(db, error).catch(() => undefined);
  const sentences = [`${what}: ${describeDatabaseError(error)}`, ...(hint === undefined ? [] : [hint])];
  return new MigrationError(sentences.join("\n"), { cause: error });
}

/** PostgreSQL's own words and their SQLSTATE; another error's message. */
function describeDatabaseError(error: unknown): string {
  if (!(error instanceof pg.DatabaseError)) return error instanceof Error ? error.message : String(error);
  const { message, code, detail, hint } = error;
  const parts = [`${message} (SQLSTATE ${code})`, detail && `Detail: ${detail}`, hint && `Hint: ${hint}`];
  return parts.filter((part) => part).join("\n");
}

async function adviceFor(db: Kysely<DB>, error: unknown): Promise<string | undefined> {
  const state = error instanceof pg.DatabaseError ? (error.code ?? "") : "";
  if (lockStates.has(state)) {
    return "Another migration or transaction holds a lock that it needs: repeat it when that has ended.";
  }
  if (!missingRights.has(state)) return undefined;
  const { rows } = await rights.execute(db);
  const [right] = rows;
  if (right === undefined) return undefined;
  const { role, database, schema, canCreate, hasExtension, canExtend } = right;
  if (canCreate === null) return `Run as a superuser: CREATE SCHEMA ${schema} AUTHORIZATION ${role};`;
  if (!canCreate) {
    return `Run as the schema's owner or a superuser: GRANT USAGE, CREATE ON SCHEMA ${schema} TO ${role};`;
  }
  if (!hasExtension && !canExtend) {
    return (
      `Run as the database's owner or a superuser: GRANT CREATE ON DATABASE ${database} TO ${role}; ` +
      "or as a superuser in this database: CREATE EXTENSION pg_trgm;"
    );
  }
  return `Migrate as the role that owns the tables. The rights that ${role} needs to serve: docs/operations.md.`;
}

interface Rights {
  readonly role: string;
  readonly database: string;
  readonly schema: string;
  /** Null if the schema does not exist. */
  readonly canCreate: boolean | null;
  readonly hasExtension: boolean;
  readonly canExtend: boolean;
}

/** Asked for, since messages come in the language of the server. */
const rights = sql<Rights>`
  select
    quote_ident(current_user) as role,
    quote_ident(current_database()) as database,
    quote_ident(wanted.name) as schema,
    (select has_schema_privilege(oid, 'CREATE') and has_schema_privilege(oid, 'USAGE')
      from pg_namespace where nspname = wanted.name) as "canCreate",
    exists (select from pg_extension where extname = 'pg_trgm') as "hasExtension",
    has_database_privilege(current_database(), 'CREATE') as "canExtend"
  from (select coalesce(current_schema(), 'public')::text as name) as wanted`;
