/** The entries of the audit trail, and actors for them. */
import type { Actor } from "../../../src/domain/change.ts";
import type { TestDatabase } from "./database.ts";

export const admin: Actor = { subject: "admin-1", address: "192.0.2.7" };
export const otherAdmin: Actor = { subject: "admin-2", address: "2001:db8::7" };

/** An actor at an address. */
export function person(subject: string): Actor {
  return { subject, address: "198.51.100.1" };
}

export interface AuditEntry {
  readonly actor: string | null;
  readonly address: string | null;
  readonly action: string;
  readonly bookingId: string | null;
  readonly before: Readonly<Record<string, unknown>> | null;
  readonly after: Readonly<Record<string, unknown>>;
}

/** All entries about a concert and its bookings, the oldest first. */
export function entriesOf(database: TestDatabase, concertId: bigint): Promise<AuditEntry[]> {
  return database.query<AuditEntry>(
    `SELECT actor, actor_address AS address, action, booking_id AS "bookingId", before, after
     FROM audit_entries WHERE concert_id = $1 ORDER BY id`,
    [concertId],
  );
}

/** `ACTOR ACTION` for each entry about a concert and its bookings. */
export async function whoDidWhat(database: TestDatabase, concertId: bigint): Promise<string[]> {
  return (await entriesOf(database, concertId)).map(({ actor, action }) => `${actor} ${action}`);
}
