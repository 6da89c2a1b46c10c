import type { Actor } from "../domain/change.ts";
import type { BookingId, ConcertId } from "../domain/ids.ts";

/** Books tickets of a concert. */
export interface BookCommand {
  readonly kind: "book";
  readonly concertId: ConcertId;
  readonly userId: string;
  readonly ticketCount: number;
  /** The caller's key, or a new one if the caller sent none. */
  readonly requestId: string;
  /** Whether the key is the caller's, so that it may have been used before. */
  readonly hasOwnKey: boolean;
  readonly actor: Actor;
}

/** Cancels a booking and puts its tickets back on sale. */
export interface CancelCommand {
  readonly kind: "cancel";
  readonly concertId: ConcertId;
  readonly bookingId: BookingId;
  /** The user who must own the booking; undefined if any user may. */
  readonly userId: string | undefined;
  readonly requestId: string;
  readonly actor: Actor;
}

/** What the engine decides in batches, each of one concert. */
export type Command = BookCommand | CancelCommand;
