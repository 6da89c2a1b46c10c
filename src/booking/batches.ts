import type { Booking, BookingKey } from "../domain/booking.ts";
import type { BatchQuery, OpenBatch } from "../store/batch/open.ts";

/** What the engine needs of the database: the store's, or in the engine's tests one that fails when told to. */
export interface Batches {
  /** Locks a concert and reads what the query asks for. After an error nothing is held. */
  open(query: BatchQuery): Promise<OpenBatch>;
  /** Reads bookings by their keys, without a lock. */
  find(concertId: bigint, keys: readonly BookingKey[]): Promise<Booking[]>;
}
