import type { TestDatabase } from "./database.ts";

/** After each test: what it left has to be sound, and is no matter of the next test. */
export async function checkAndClear(database: TestDatabase): Promise<void> {
  await database.checkInvariants().finally(() => database.query("TRUNCATE bookings, concerts"));
}
