/** The audit trail: who changed what, written in the transaction of the change. */
import type { Transaction } from "kysely";
import type { Booking } from "../domain/booking.ts";
import type { Actor } from "../domain/change.ts";
import type { Concert } from "../domain/concert.ts";
import type { DB, JsonObject } from "./tables.ts";
import { timestamptz } from "./values.ts";

/** The actions that the table's CHECK allows, on concerts and on bookings. */
type ConcertAction = "concert.create" | "concert.update";
export type BookingAction =
  | "booking.create"
  | "booking.hold"
  | "booking.confirm"
  | "booking.release"
  | "booking.extend"
  | "booking.cancel";

/** Records that a concert was created, or updated if there is a `before`, at the instant of its last change. */
export async function recordConcertChange(
  transaction: Transaction<DB>,
  actor: Actor,
  before: Concert | undefined,
  after: Concert,
): Promise<void> {
  const action: ConcertAction = before ? "concert.update" : "concert.create";
  await transaction
    .insertInto("audit_entries")
    .values({
      occurred_at: timestamptz(after.updatedAt),
      actor: actor.subject ?? null,
      actor_address: actor.address ?? null,
      action,
      concert_id: after.id,
      before: before ? concertJson(before) : null,
      after: concertJson(after),
    })
    .execute();
}

/** The columns of a concert as REST writes them: ids as strings, money as numbers, instants in UTC. */
function concertJson(concert: Concert): JsonObject {
  return {
    id: concert.id.toString(),
    name: concert.name,
    artist: concert.artist,
    venue: concert.venue,
    concert_date: concert.concertDate.toString(),
    total_tickets: concert.totalTickets,
    available_tickets: concert.availableTickets,
    held_tickets: concert.heldTickets,
    price: concert.priceCents / 100,
    currency_code: concert.currencyCode,
    booking_start_time: concert.bookingStartTime.toString(),
    booking_end_time: concert.bookingEndTime.toString(),
    version: concert.version,
    created_at: concert.createdAt.toString(),
    updated_at: concert.updatedAt.toString(),
    max_tickets_per_user: concert.maxTicketsPerUser ?? 0,
    requires_payment: concert.requiresPayment,
  };
}

/** The columns of a booking in the same form. */
export function bookingJson(booking: Booking): JsonObject {
  return {
    id: booking.id.toString(),
    concert_id: booking.concertId.toString(),
    user_id: booking.userId,
    ticket_count: booking.ticketCount,
    booking_time: booking.bookingTime.toString(),
    status: booking.status,
    unit_price: booking.unitPriceCents / 100,
    total_price: booking.totalPriceCents / 100,
    currency_code: booking.currencyCode,
    ...(booking.holdExpiresTime && { hold_expires_time: booking.holdExpiresTime.toString() }),
    ...(booking.paymentReference && { payment_reference: booking.paymentReference }),
    created_at: booking.createdAt.toString(),
    updated_at: booking.updatedAt.toString(),
  };
}
