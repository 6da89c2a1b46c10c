import type { Actor } from "../domain/change.ts";

/** What a caller asks to book. */
export interface BookingRequest {
  readonly kind: "book";
  readonly concertId: bigint;
  readonly userId: string;
  readonly ticketCount: number;
  /** The caller's key, or one made for a caller who sent none. */
  readonly requestId: string;
  /** Whether the key is the caller's own, so that it may have been used before. */
  readonly hasOwnKey: boolean;
  readonly actor: Actor;
}

/** What a caller asks to cancel. */
export interface CancelRequest {
  readonly kind: "cancel";
  readonly concertId: bigint;
  readonly bookingId: bigint;
  /** The user who must own the booking; undefined if any user may. */
  readonly userId: string | undefined;
  readonly requestId: string;
  readonly actor: Actor;
}

/** What the engine decides in batches, each of one concert. */
export type EngineRequest = BookingRequest | CancelRequest;
