/** The audit trail of a batch: what an actor did to bookings of other users. */
import { sql } from "kysely";
import type { Booking } from "../../domain/booking.ts";
import type { Actor } from "../../domain/change.ts";
import type { ConcertId } from "../../domain/ids.ts";
import { type AuditAction, bookingJson } from "../audit.ts";
import type { BatchWrites } from "../bookings.ts";
import { newBooking } from "../bookings.ts";
import { prepare, type Slots } from "./prepared.ts";

/** The actor, and the user whose booking it is. */
interface Act {
  readonly actor: Actor;
  readonly userId: string;
}

/** A booking or a cancellation for another user. */
interface ActOnAnother {
  readonly action: AuditAction;
  readonly actor: Actor;
  readonly before: Booking | undefined;
  readonly after: Omit<Booking, "id">;
}

/** What a batch does on behalf of other users. What users do to their own bookings is in the bookings themselves. */
export function actsOnOthers({ concert, now, newBookings, cancelled }: BatchWrites): ActOnAnother[] {
  const booked = newBookings.filter(isForAnother).map((request): ActOnAnother => {
    const after = newBooking(concert, request, now);
    return { action: "booking.create", actor: request.actor, before: undefined, after };
  });
  const cancels = cancelled
    .filter(({ actor, before }) => isForAnother({ actor, userId: before.userId }))
    .map((cancel): ActOnAnother => ({ action: "booking.cancel", ...cancel }));
  return [...booked, ...cancels];
}

function isForAnother({ actor, userId }: Act): boolean {
  return actor.subject !== undefined && actor.subject !== userId;
}

/** The actor of each. Usually all are the users themselves. Then the column is empty: `unnest` fills it with NULL. */
export function actorColumn(acts: readonly Act[]): string[] {
  return acts.some(isForAnother) ? acts.map(({ actor, userId }) => actor.subject ?? userId) : [];
}

/** Entries of one batch, column by column. JSON is text. */
interface EntryColumns {
  readonly concertId: ConcertId;
  readonly now: string;
  readonly actions: readonly string[];
  readonly actors: readonly (string | undefined)[];
  readonly addresses: readonly (string | undefined)[];
  readonly userIds: readonly string[];
  readonly requestIds: readonly string[];
  readonly befores: readonly (string | undefined)[];
  readonly afters: readonly string[];
}

/** The parameters of `insertBookingEntries`. */
export function entryColumns(acts: readonly ActOnAnother[], { concert, now }: BatchWrites): EntryColumns {
  return {
    concertId: concert.id,
    now: now.toString(),
    actions: acts.map(({ action }) => action),
    actors: acts.map(({ actor }) => actor.subject),
    addresses: acts.map(({ actor }) => actor.address),
    userIds: acts.map(({ after }) => after.userId),
    requestIds: acts.map(({ after }) => after.requestId),
    befores: acts.map(({ before }) => before && JSON.stringify(bookingJson(before))),
    afters: acts.map(({ after }) => JSON.stringify(bookingJson(after))),
  };
}

/**
 * Records acts after their bookings are written. The id of a new booking is not known when this is sent, so each is found by
 * its key, as `findByKeys` does. A booking that is missing would violate NOT NULL and fail the batch.
 */
export const insertBookingEntries = prepare(
  "frontrow_insert_booking_audit_entries",
  (db, slot: Slots<EntryColumns>) => {
    const id = sql`jsonb_build_object('id', bookings.id::text)`;
    const key = sql`(${slot("concertId")}::bigint, acts.user_id, acts.request_id)`;
    return db
      .insertInto("audit_entries")
      .columns(["occurred_at", "actor", "actor_address", "action", "concert_id", "booking_id", "before", "after"])
      .expression(
        sql`select ${slot("now")}::timestamptz, actor, actor_address, action, ${slot("concertId")}::bigint,
        bookings.id, before || ${id}, after || ${id}
        from unnest(${slot("actions")}::text[], ${slot("actors")}::text[], ${slot("addresses")}::text[],
          ${slot("userIds")}::text[], ${slot("requestIds")}::uuid[], ${slot("befores")}::jsonb[],
          ${slot("afters")}::jsonb[])
          as acts (action, actor, actor_address, user_id, request_id, before, after)
        left join lateral (
          select id, concert_id, user_id, request_id from bookings
          where (concert_id, user_id, request_id) >= ${key}
          order by concert_id, user_id, request_id limit 1
        ) as bookings on (bookings.concert_id, bookings.user_id, bookings.request_id) = ${key}`,
      );
  },
);
