import { readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { type Kysely, PostgresAdapter, PostgresDialect, sql, type Transaction } from "kysely";
import { type Migration, type MigrationProvider, Migrator } from "kysely/migration";
import pg from "pg";
import { OperatorError } from "../domain/operator-error.ts";
import type { DB } from "./tables.ts";

const migrationsFolder = join(import.meta.dirname, "..", "..", "db", "migrations");

const sqlFiles: MigrationProvider = {
  async getMigrations() {
    const migrations: Record<string, Migration> = {};
    for (const file of (await readdir(migrationsFolder)).sort()) {
      if (!file.endsWith(".sql")) continue;
      const statements = sql.raw(await readFile(join(migrationsFolder, file), "utf8"));
      migrations[basename(file, ".sql")] = { up: async (db) => void (await statements.execute(db)) };
    }
    return migrations;
  },
};

/** The number of Kysely's own lock, which releases before this one take for the session. */
const lockId = 3853314791062309107n;

/**
 * A dialect whose migrator takes no lock, since `migrate` takes one. Kysely's lock belongs to the session. Behind a
 * transaction pooler it would be released on another session than it was taken on, and stay for ever.
 */
export class LocklessDialect extends PostgresDialect {
  override createAdapter(): PostgresAdapter {
    return new LocklessAdapter();
  }
}

class LocklessAdapter extends PostgresAdapter {
  override async acquireMigrationLock(): Promise<void> {}
  override async releaseMigrationLock(): Promise<void> {}
}

/** What a migration found and did, by the names of migrations. */
export interface MigrationResult {
  readonly applied: readonly string[];
  /** Those of a later version, which the database already has. */
  readonly later: readonly string[];
}

/**
 * Applies the migrations that the database lacks, each once, however many instances start together. Raises a
 * MigrationError. `firstError` returns the error of the first statement that failed: the migrator then sends one more,
 * which fails as a consequence. A migration may take long, and so may the wait for another instance's, so the operator's
 * time limits for sessions do not apply. Limits that a migration sets itself do.
 */
export async function migrate(db: Kysely<DB>, firstError: () => unknown): Promise<MigrationResult> {
  let failed: string | undefined;
  try {
    return await db.transaction().execute(async (transaction) => {
      await lockMigrations(transaction);
      const own = await sqlFiles.getMigrations();
      const later = await laterMigrations(transaction, own);
      const provider = withoutEffectOf(later, own);
      const { error, results = [] } = await new Migrator({ db: transaction, provider }).migrateToLatest();
      failed = results.find((result) => result.status === "Error")?.migrationName;
      if (error !== undefined) throw error;
      return { applied: results.map((result) => result.migrationName), later };
    });
  } catch (error) {
    throw await explainMigrationError(db, failed, firstError() ?? error);
  }
}

/** The migrations that a later version has applied. */
async function laterMigrations(transaction: Transaction<DB>, own: Record<string, Migration>): Promise<string[]> {
  const latest = Object.keys(own).sort().at(-1) ?? "";
  return (await appliedMigrations(transaction)).filter((name) => name > latest).sort();
}

/**
 * The migrations of this version, and, as steps without effect, those of a later one. Without them the migrator rejects the
 * database, and during an update, or after going back, no process of this version could start. Migrations first add, then
 * move, then remove, so that the version before them can serve.
 */
function withoutEffectOf(later: readonly string[], own: Record<string, Migration>): MigrationProvider {
  const withoutEffect = later.map((name): [string, Migration] => [name, { up: async () => {} }]);
  return { getMigrations: async () => ({ ...own, ...Object.fromEntries(withoutEffect) }) };
}

async function appliedMigrations(transaction: Transaction<DB>): Promise<string[]> {
  const { rows: tables } = await sql`select where to_regclass('kysely_migration') is not null`.execute(transaction);
  if (tables.length === 0) return [];
  const { rows } = await sql<{ name: string }>`select name from kysely_migration`.execute(transaction);
  return rows.map(({ name }) => name);
}

/** Lets one instance migrate at a time, until its transaction ends. */
async function lockMigrations(transaction: Transaction<DB>): Promise<void> {
  await sql`select
    set_config('statement_timeout', '0', true),
    set_config('lock_timeout', '0', true),
    set_config('idle_in_transaction_session_timeout', '0', true)`.execute(transaction);
  await sql`select pg_advisory_xact_lock(${sql.lit(lockId)})`.execute(transaction);
}

/** The schema cannot be brought up to date. The message is for the operator and says what to do. */
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

/** PostgreSQL's message with its SQLSTATE; the message of another error. */
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

/** Queried, since messages are in the language of the server. */
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
