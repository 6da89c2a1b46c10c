import assert from "node:assert/strict";
import { type Booking, bookingKey } from "../domain/booking.ts";
import type { Actor } from "../domain/change.ts";
import type { BookingId } from "../domain/ids.ts";
import type { BookingAction } from "../store/audit.ts";
import type { BatchEffects, BookingEntry, BookingInsert, BookingUpdate } from "../store/batch/effects.ts";
import type { Hold, LockedState } from "../store/batch/open.ts";

/** What a user has of a concert at a batch's instant. */
export interface Tally {
  /** Tickets of confirmed bookings. */
  booked: number;
  /** Tickets of holds. */
  held: number;
  holds: number;
}

/** At most how many holds a batch expires: a batch of more would keep its callers waiting. */
export const maxDueHolds = 500;

/**
 * A concert in the course of a batch: each command is decided on what those before it left. It begins by expiring holds
 * that are due, and records what the batch has to write.
 */
export class Ledger {
  readonly concert: LockedState["concert"];
  readonly now: Temporal.Instant;
  /** Whether the booking window is open. */
  readonly isOpen: boolean;
  /** Whether holds may be due that were not read, so that tickets may come back on sale. */
  readonly hasMoreDue: boolean;
  readonly #byId: Map<BookingId, Booking>;
  readonly #idByKey: Map<string, BookingId>;
  /** By user; undefined if nothing is known of any user. */
  readonly #tallies: Map<string, Tally> | undefined;
  readonly #newIds: Iterator<BookingId>;
  readonly #inserts = new Map<string, BookingInsert>();
  readonly #updates = new Map<BookingId, BookingUpdate>();
  readonly #entries: BookingEntry[] = [];
  #availableTickets: number;
  #heldTickets: number;
  #nextExpiry: Temporal.Instant | undefined;

  constructor(state: LockedState) {
    this.concert = state.concert;
    this.now = state.now;
    const { bookingStartTime, bookingEndTime } = state.concert;
    this.isOpen = isBefore(state.now, bookingEndTime) && !isBefore(state.now, bookingStartTime);
    this.#availableTickets = state.concert.availableTickets;
    this.#heldTickets = state.concert.heldTickets;
    this.#byId = new Map(state.stored.map((booking) => [booking.id, booking]));
    this.#idByKey = new Map(state.stored.map((booking) => [bookingKey(booking), booking.id]));
    this.#newIds = state.newIds.values();
    this.#tallies = this.#tally(state);
    const due = state.holds.filter((hold) => this.isDue(hold));
    this.hasMoreDue = due.length >= maxDueHolds;
    for (const hold of due) this.#expire(hold);
    if (this.hasMoreDue) this.#noteExpiry(state.now);
    for (const hold of state.holds) if (!this.isDue(hold)) this.#noteExpiry(hold.holdExpiresTime);
  }

  get availableTickets(): number {
    return this.#availableTickets;
  }

  /** The earliest instant within the next second at which tickets may come back on sale by expiry, if there is one. */
  get nextExpiry(): Temporal.Instant | undefined {
    return this.#nextExpiry;
  }

  /** All that the batch has to write by now. */
  get effects(): BatchEffects {
    return {
      availableTickets: this.#availableTickets,
      heldTickets: this.#heldTickets,
      inserts: [...this.#inserts.values()],
      updates: [...this.#updates.values()],
      entries: this.#entries,
    };
  }

  /** Whether a hold's end has come by the batch's instant, whether or not it has been expired. */
  isDue({ holdExpiresTime }: Pick<Booking, "holdExpiresTime">): boolean {
    return holdExpiresTime !== undefined && !isBefore(this.now, holdExpiresTime);
  }

  /** A booking as it is by now. A hold that is due has expired. */
  find(id: BookingId): Booking | undefined {
    const booking = this.#byId.get(id);
    if (booking?.status === "held" && booking.holdExpiresTime && this.isDue(booking))
      this.#expire({ ...booking, holdExpiresTime: booking.holdExpiresTime });
    return this.#byId.get(id);
  }

  /** The booking that a key has made, before this batch or in it. */
  findByKey(key: string): Booking | undefined {
    const id = this.#idByKey.get(key);
    return id === undefined ? this.#inserts.get(key)?.booking : this.find(id);
  }

  /** What a user has; undefined if it is not known. */
  tallyOf(userId: string): Readonly<Tally> | undefined {
    return this.#tallies && (this.#tallies.get(userId) ?? noTally());
  }

  /** Takes tickets that are available for a new booking. */
  insert(booking: Omit<Booking, "id">, actor: Actor): Booking {
    const { value: id, done } = this.#newIds.next();
    assert(!done, "a batch has too few ids for its bookings");
    const inserted: Booking = { ...booking, id };
    this.#inserts.set(bookingKey(inserted), { booking: inserted, actor });
    this.#availableTickets -= inserted.ticketCount;
    this.#count(inserted, 1);
    this.#record(inserted.status === "held" ? "booking.hold" : "booking.create", actor, undefined, inserted);
    return inserted;
  }

  /** Replaces a booking that is stored. Tickets that it gives up, or takes in addition, become or were available. */
  update(action: BookingAction, before: Booking, after: Booking, actor: Actor): Booking {
    const changed = { ...after, updatedAt: this.now };
    this.#availableTickets += liveTickets(before) - liveTickets(changed);
    this.#count(before, -1);
    this.#count(changed, 1);
    this.#byId.set(changed.id, changed);
    const cancelledBy = changed.status === "cancelled" ? (actor.subject ?? changed.userId) : undefined;
    this.#updates.set(changed.id, { ...changed, cancelledBy });
    this.#record(action, actor, before, changed);
    return changed;
  }

  /** Adds a booking to the counters and its user's tally, or subtracts it. */
  #count({ userId, status, ticketCount, holdExpiresTime }: Booking, sign: 1 | -1): void {
    const tally = this.#tallies?.getOrInsertComputed(userId, noTally);
    if (status === "confirmed" && tally) tally.booked += sign * ticketCount;
    if (status !== "held") return;
    this.#heldTickets += sign * ticketCount;
    if (tally) {
      tally.held += sign * ticketCount;
      tally.holds += sign;
    }
    if (sign === 1 && holdExpiresTime) this.#noteExpiry(holdExpiresTime);
  }

  /** Does not count the user's tickets: those of holds that are due are in no tally. */
  #expire({ id, ticketCount, holdExpiresTime }: Hold): void {
    assert(!this.#updates.has(id), "a hold expires twice");
    this.#availableTickets += ticketCount;
    this.#heldTickets -= ticketCount;
    const expired = { id, status: "expired", ticketCount, holdExpiresTime } as const;
    const none = { paymentReference: undefined, cancelRequestId: undefined, cancelledBy: undefined };
    this.#updates.set(id, { ...expired, ...none });
    const booking = this.#byId.get(id);
    if (booking) this.#byId.set(id, { ...booking, status: "expired", updatedAt: this.now });
  }

  #tally({ userTickets }: LockedState): Map<string, Tally> | undefined {
    if (!userTickets) return undefined;
    const tallies = new Map<string, Tally>();
    for (const { userId, ticketCount, bookings, holdExpiresTime } of userTickets) {
      const tally = tallies.getOrInsertComputed(userId, noTally);
      if (holdExpiresTime === undefined) tally.booked += ticketCount;
      else if (!this.isDue({ holdExpiresTime })) {
        tally.held += ticketCount;
        tally.holds += bookings;
      }
    }
    return tallies;
  }

  #noteExpiry(expiry: Temporal.Instant): void {
    if (!this.#nextExpiry || isBefore(expiry, this.#nextExpiry)) this.#nextExpiry = expiry;
  }

  /** What users do to their own bookings is in the bookings themselves. */
  #record(action: BookingAction, actor: Actor, before: Booking | undefined, after: Booking): void {
    if (actor.subject !== undefined && actor.subject !== after.userId)
      this.#entries.push({ action, actor, before, after });
  }
}

function isBefore(one: Temporal.Instant, other: Temporal.Instant): boolean {
  return Temporal.Instant.compare(one, other) < 0;
}

function noTally(): Tally {
  return { booked: 0, held: 0, holds: 0 };
}

/** The tickets of a booking that are not available to others. */
function liveTickets({ status, ticketCount }: Booking): number {
  return status === "held" || status === "confirmed" ? ticketCount : 0;
}
