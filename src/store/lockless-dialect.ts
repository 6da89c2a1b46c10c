import { PostgresAdapter, PostgresDialect } from "kysely";

/**
 * A dialect whose migrator takes no lock: `migrate` has one. Kysely's belongs to the session, and behind a transaction
 * pooler it would be given back on another one and stay for ever.
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
