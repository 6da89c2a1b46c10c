/** Decides batches on a concert in memory. */
import type { Answer } from "../../../src/booking/answers.ts";
import type { Command } from "../../../src/booking/commands.ts";
import { type BatchPlan, decideBatch } from "../../../src/booking/decide.ts";
import { maxDueHolds } from "../../../src/booking/ledger.ts";
import type { BookingPolicy } from "../../../src/booking/policy.ts";
import type { Booking } from "../../../src/domain/booking.ts";
import type { Concert } from "../../../src/domain/concert.ts";
import type { BatchQuery } from "../../../src/store/batch/open.ts";
import { duringSale, exampleConcert, examplePolicy } from "./example-bookings.ts";
import { type Rows, readRows } from "./fake-rows.ts";

/** A concert and its bookings before a batch, by what a test says of them. */
export interface Facts extends Partial<Omit<Concert, "id" | "heldTickets">> {
  readonly now?: Temporal.Instant;
  readonly stored?: readonly Booking[];
  readonly policy?: Partial<BookingPolicy>;
}

/** All that a batch may need. It has to get along with more than it asked for. */
function queryOf(commands: readonly Command[]): BatchQuery {
  const orders = commands.filter((command) => command.kind === "book" || command.kind === "hold");
  const owners = commands.flatMap((command) => (command.kind === "confirm" ? [command.ownerId] : []));
  return {
    concertId: exampleConcert.id,
    keys: orders.filter(({ hasOwnKey }) => hasOwnKey),
    bookingIds: commands.flatMap((command) => ("bookingId" in command ? [command.bookingId] : [])),
    userIds: [...new Set([...orders.map(({ userId }) => userId), ...owners])],
    ...{ countsHolds: true, newIds: orders.length, maxDue: maxDueHolds },
  };
}

export function decideOn(rows: Rows, commands: readonly Command[], now: Temporal.Instant, policy: BookingPolicy) {
  return decideBatch(commands, readRows(rows, queryOf(commands), now, 100n), policy);
}

export function decide(commands: readonly Command[], facts: Facts = {}): BatchPlan {
  const { now = duringSale, stored = [], policy = {}, ...concert } = facts;
  const heldTickets = stored.reduce((sum, { status, ticketCount }) => sum + (status === "held" ? ticketCount : 0), 0);
  const rows = { concert: { ...exampleConcert, ...concert, heldTickets }, bookings: stored };
  return decideOn(rows, commands, now, { ...examplePolicy, ...policy });
}

/** The answer to the only command of a batch. */
export function answer(command: Command, facts?: Facts): Answer | undefined {
  return decide([command], facts).answers[0];
}

/** The answer to a refused command, with this metadata. */
export function refused(reason: string, metadata: object = {}) {
  return { kind: "refused", failure: { reason, ...metadata } };
}

/** The answer to a command that left its booking as it is. */
export function replayed(booking: object) {
  return { kind: "booking", booking, replayed: true };
}

/** The answer to a command that left its booking like this. */
export function changed(booking: object) {
  return { kind: "booking", booking, replayed: false };
}
