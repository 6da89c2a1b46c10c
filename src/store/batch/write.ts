/** The statements that write what a batch has decided, compiled once, and their parameters, column by column. */
import { sql } from "kysely";
import type { Actor } from "../../domain/change.ts";
import type { Concert } from "../../domain/concert.ts";
import type { BookingId, ConcertId } from "../../domain/ids.ts";
import { numericFromCents } from "../values.ts";
import type { BookingInsert, BookingUpdate } from "./effects.ts";
import { prepare, type Slots } from "./prepared.ts";

/** Sets how many tickets of a concert are available and held. */
export const setCounters = prepare(
  "frontrow_set_ticket_counters",
  (db, slot: Slots<{ concertId: ConcertId; availableTickets: number; heldTickets: number }>) =>
    db
      .updateTable("concerts")
      .set({ available_tickets: slot("availableTickets"), held_tickets: slot("heldTickets") })
      .where("id", "=", slot("concertId")),
);

/** The concert whose tickets are sold. */
type PricedConcert = Pick<Concert, "id" | "priceCents" | "currencyCode">;

interface InsertColumns {
  readonly concertId: ConcertId;
  readonly now: string;
  readonly ids: readonly BookingId[];
  readonly userIds: readonly string[];
  readonly ticketCounts: readonly number[];
  /** The price of a ticket, and its currency: those of the concert. */
  readonly unitPrice: string;
  readonly currencyCode: string;
  /** The status of each. Where there is none it is confirmed. */
  readonly statuses: readonly string[];
  readonly holdExpiresTimes: readonly (string | undefined)[];
  readonly requestIds: readonly string[];
  /** The actor of each. Where there is none it is the user. */
  readonly actors: readonly string[];
}

export function insertColumns(inserts: readonly BookingInsert[], concert: PricedConcert, now: string): InsertColumns {
  const bookings = inserts.map(({ booking }) => booking);
  const hasHolds = bookings.some(({ status }) => status === "held");
  return {
    concertId: concert.id,
    now,
    ids: bookings.map(({ id }) => id),
    userIds: bookings.map(({ userId }) => userId),
    ticketCounts: bookings.map(({ ticketCount }) => ticketCount),
    unitPrice: numericFromCents(concert.priceCents),
    currencyCode: concert.currencyCode,
    statuses: hasHolds ? bookings.map(({ status }) => status) : [],
    holdExpiresTimes: hasHolds ? bookings.map(({ holdExpiresTime }) => holdExpiresTime?.toString()) : [],
    requestIds: bookings.map(({ requestId }) => requestId),
    actors: actorColumn(inserts),
  };
}

/** Usually all are the users themselves. Then the column is empty: `unnest` fills it with NULL. */
function actorColumn(inserts: readonly BookingInsert[]): string[] {
  const isOther = ({ actor: { subject }, booking }: { actor: Actor; booking: { userId: string } }) =>
    subject !== undefined && subject !== booking.userId;
  return inserts.some(isOther) ? inserts.map(({ actor, booking }) => actor.subject ?? booking.userId) : [];
}

/** Inserts bookings of one concert. */
export const insertBookings = prepare("frontrow_insert_bookings", (db, slot: Slots<InsertColumns>) =>
  db
    .insertInto("bookings")
    .columns([
      ...(["id", "concert_id", "user_id", "ticket_count", "requested_count", "unit_price", "total_price"] as const),
      ...(["currency_code", "status", "hold_expires_time", "request_id", "booked_by"] as const),
      ...(["booking_time", "created_at", "updated_at"] as const),
    ])
    .expression(
      sql`select id, ${slot("concertId")}::bigint, user_id, ticket_count, ticket_count, unit_price,
        unit_price * ticket_count, ${slot("currencyCode")}::text, coalesce(status, 'confirmed'), hold_expires_time,
        request_id, coalesce(actor, user_id), now, now, now
        from unnest(${slot("ids")}::bigint[], ${slot("userIds")}::text[], ${slot("ticketCounts")}::int[],
          ${slot("statuses")}::text[], ${slot("holdExpiresTimes")}::timestamptz[], ${slot("requestIds")}::uuid[],
          ${slot("actors")}::text[])
          as bookings (id, user_id, ticket_count, status, hold_expires_time, request_id, actor),
        (select ${slot("unitPrice")}::numeric as unit_price, ${slot("now")}::timestamptz as now) as batch`,
    ),
);

interface UpdateColumns {
  readonly concertIds: readonly ConcertId[];
  readonly now: string;
  readonly ids: readonly BookingId[];
  readonly statuses: readonly string[];
  readonly ticketCounts: readonly number[];
  readonly holdExpiresTimes: readonly (string | undefined)[];
  readonly paymentReferences: readonly (string | undefined)[];
  readonly cancelRequestIds: readonly (string | undefined)[];
  readonly cancelledBys: readonly (string | undefined)[];
}

export function updateColumns(updates: readonly BookingUpdate[], concertId: ConcertId, now: string): UpdateColumns {
  return {
    concertIds: updates.map(() => concertId),
    now,
    ids: updates.map(({ id }) => id),
    statuses: updates.map(({ status }) => status),
    ticketCounts: updates.map(({ ticketCount }) => ticketCount),
    holdExpiresTimes: updates.map(({ holdExpiresTime }) => holdExpiresTime?.toString()),
    paymentReferences: updates.map(({ paymentReference }) => paymentReference),
    cancelRequestIds: updates.map(({ cancelRequestId }) => cancelRequestId),
    cancelledBys: updates.map(({ cancelledBy }) => cancelledBy),
  };
}

/**
 * Changes bookings of one concert, each by its key. The concert's id comes with each booking's id: a condition on the
 * concert alone would let PostgreSQL read all bookings of the concert and compare each with all changes.
 */
export const updateBookings = prepare("frontrow_update_bookings", (db, slot: Slots<UpdateColumns>) =>
  db
    .updateTable("bookings")
    .from(
      sql<{
        concert_id: bigint;
        id: bigint;
        status: string;
        ticket_count: number;
        hold_expires_time: Temporal.Instant | null;
        payment_reference: string | null;
        cancel_request_id: string | null;
        cancelled_by: string | null;
      }>`unnest(${slot("concertIds")}::bigint[], ${slot("ids")}::bigint[], ${slot("statuses")}::text[], ${slot("ticketCounts")}::int[],
        ${slot("holdExpiresTimes")}::timestamptz[], ${slot("paymentReferences")}::text[],
        ${slot("cancelRequestIds")}::uuid[], ${slot("cancelledBys")}::text[])`.as<"changes">(
        sql`changes(concert_id, id, status, ticket_count, hold_expires_time, payment_reference, cancel_request_id,
          cancelled_by)`,
      ),
    )
    .set(({ ref }) => ({
      status: ref("changes.status"),
      ticket_count: ref("changes.ticket_count"),
      total_price: sql<string>`bookings.unit_price * changes.ticket_count`,
      hold_expires_time: ref("changes.hold_expires_time"),
      payment_reference: ref("changes.payment_reference"),
      cancel_request_id: ref("changes.cancel_request_id"),
      cancelled_by: ref("changes.cancelled_by"),
      updated_at: sql<Temporal.Instant>`${slot("now")}::timestamptz`,
    }))
    .whereRef("bookings.concert_id", "=", "changes.concert_id")
    .whereRef("bookings.id", "=", "changes.id"),
);

/** Inserts the evidence that the batch has committed. */
export const insertBatch = prepare(
  "frontrow_insert_batch",
  (db, slot: Slots<{ concertId: ConcertId; batchId: string; now: string }>) =>
    db.insertInto("batches").values({
      concert_id: slot("concertId"),
      id: slot("batchId"),
      committed_at: sql<Temporal.Instant>`${slot("now")}::timestamptz`,
    }),
);

/** Looks for that evidence. */
export const findBatch = prepare("frontrow_find_batch", (db, slot: Slots<{ concertId: ConcertId; batchId: string }>) =>
  db.selectFrom("batches").select("id").where("concert_id", "=", slot("concertId")).where("id", "=", slot("batchId")),
);
