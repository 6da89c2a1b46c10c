import type { Actor } from "../domain/change.ts";
import type { BookingId, ConcertId } from "../domain/ids.ts";

/** Asks for tickets of a concert. */
interface Order {
  readonly concertId: ConcertId;
  readonly userId: string;
  readonly ticketCount: number;
  /** The caller's key, or a new one if the caller sent none. */
  readonly requestId: string;
  /** Whether the key is the caller's, so that it may have been used before. */
  readonly hasOwnKey: boolean;
  /** Whether the limits of the user do not apply: an organizer acts for the user. */
  readonly isExempt: boolean;
  readonly actor: Actor;
}

/** Books tickets at once. */
export interface BookCommand extends Order {
  readonly kind: "book";
}

/** Takes tickets off sale for a while. */
export interface HoldCommand extends Order {
  readonly kind: "hold";
  /** How long the hold lives; undefined for the policy's default. */
  readonly ttlMs: number | undefined;
}

export type OrderCommand = BookCommand | HoldCommand;

/** Changes a booking. */
interface Change {
  readonly concertId: ConcertId;
  readonly bookingId: BookingId;
  /** The user who must own the booking; undefined if any user may. */
  readonly userId: string | undefined;
  readonly actor: Actor;
}

/** Makes a hold a confirmed booking. */
export interface ConfirmCommand extends Change {
  readonly kind: "confirm";
  /** The user who owns the booking: an owner never changes. */
  readonly ownerId: string;
  /** How many of the held tickets; 0 for all. */
  readonly ticketCount: number;
  readonly paymentReference: string | undefined;
  /** Whether to confirm an expired hold if its tickets can be had again. */
  readonly acceptLate: boolean;
  /** Whether the caller may confirm late, and for concerts that require payment. */
  readonly hasConfirmScope: boolean;
}

/** Ends a hold and puts its tickets back on sale. */
export interface ReleaseCommand extends Change {
  readonly kind: "release";
}

/** Lets a hold live longer. */
export interface ExtendCommand extends Change {
  readonly kind: "extend";
  /** From the batch's instant on. */
  readonly ttlMs: number;
}

/** Cancels a confirmed booking and puts its tickets back on sale. */
export interface CancelCommand extends Change {
  readonly kind: "cancel";
  readonly requestId: string;
}

/** Puts the tickets of holds that are due back on sale, as every batch does first. It has no caller. */
export interface ExpireCommand {
  readonly kind: "expire";
  readonly concertId: ConcertId;
}

export type ChangeCommand = ConfirmCommand | ReleaseCommand | ExtendCommand | CancelCommand;

/** What a caller submits. */
export type BookingCommand = OrderCommand | ChangeCommand;

/** What the engine decides in batches, each of one concert. */
export type Command = BookingCommand | ExpireCommand;

export function isOrder(command: Command): command is OrderCommand {
  return command.kind === "book" || command.kind === "hold";
}
