import type { TestDatabase } from "./database.ts";

/** Takes everything out of a database. On tables this small DELETE is quicker than TRUNCATE. */
export async function clear(database: TestDatabase): Promise<void> {
  await database.query("DELETE FROM bookings; DELETE FROM concerts");
}

/** After each test: what it left has to be sound, and is no matter of the next test. */
export async function checkAndClear(database: TestDatabase): Promise<void> {
  await database.checkInvariants().finally(() => clear(database));
}
