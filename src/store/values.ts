import { type RawBuilder, sql } from "kysely";

/** An instant as a parameter: `pg` does not support Temporal, PostgreSQL reads RFC 3339. */
export function timestamptz(instant: Temporal.Instant): RawBuilder<Temporal.Instant> {
  return sql<Temporal.Instant>`${instant.toString()}::timestamptz`;
}

/** numeric(_, 2) to integer cents: PostgreSQL always prints both decimals. */
export function centsFromNumeric(numeric: string): number {
  return Number(numeric.replace(".", ""));
}

/** Integer cents to the text of a numeric(_, 2), exactly. */
export function numericFromCents(cents: number): string {
  return `${Math.trunc(cents / 100)}.${String(cents % 100).padStart(2, "0")}`;
}

/** A LIKE pattern for texts that contain `text`, in which %, _ and \ stand for themselves. */
export function containsPattern(text: string): string {
  return `%${text.replaceAll(/[\\%_]/g, "\\$&")}%`;
}

/** For the statement that runs after the lock is held: one instant per transaction, no older than the wait for the lock. */
export const nowUnderLock = sql<Temporal.Instant>`clock_timestamp()`;
