/** The audit trail of a batch. */
import { sql } from "kysely";
import type { BookingId, ConcertId } from "../../domain/ids.ts";
import { bookingJson } from "../audit.ts";
import type { BookingEntry } from "./effects.ts";
import { prepare, type Slots } from "./prepared.ts";

/** Entries of one batch, column by column. JSON is text. */
interface EntryColumns {
  readonly concertId: ConcertId;
  readonly now: string;
  readonly actions: readonly string[];
  readonly actors: readonly (string | undefined)[];
  readonly addresses: readonly (string | undefined)[];
  readonly bookingIds: readonly BookingId[];
  readonly befores: readonly (string | undefined)[];
  readonly afters: readonly string[];
}

/** The parameters of `insertEntries`. */
export function entryColumns(entries: readonly BookingEntry[], concertId: ConcertId, now: string): EntryColumns {
  return {
    concertId,
    now,
    actions: entries.map(({ action }) => action),
    actors: entries.map(({ actor }) => actor.subject),
    addresses: entries.map(({ actor }) => actor.address),
    bookingIds: entries.map(({ after }) => after.id),
    befores: entries.map(({ before }) => before && JSON.stringify(bookingJson(before))),
    afters: entries.map(({ after }) => JSON.stringify(bookingJson(after))),
  };
}

/** Records what actors did to bookings of one concert. */
export const insertEntries = prepare("frontrow_insert_booking_audit_entries", (db, slot: Slots<EntryColumns>) =>
  db
    .insertInto("audit_entries")
    .columns(["occurred_at", "actor", "actor_address", "action", "concert_id", "booking_id", "before", "after"])
    .expression(
      sql`select ${slot("now")}::timestamptz, actor, actor_address, action, ${slot("concertId")}::bigint, booking_id,
        before, after
        from unnest(${slot("actions")}::text[], ${slot("actors")}::text[], ${slot("addresses")}::text[],
          ${slot("bookingIds")}::bigint[], ${slot("befores")}::jsonb[], ${slot("afters")}::jsonb[])
          as entries (action, actor, actor_address, booking_id, before, after)`,
    ),
);
