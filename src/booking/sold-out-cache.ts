import type { Concert } from "../domain/concert.ts";

/**
 * Remembers which concerts are sold out, so that a crowd that comes too late costs the database nothing. A memory is good
 * for a second (another process may have changed the concert), while the booking window is open, and until a change here.
 */
export interface SoldOutMemory {
  /** Takes note of a concert as it was at `now`, the database's instant, which had not passed at `askedAtMs` of the clock. */
  note(concert: Concert, now: Temporal.Instant, askedAtMs: number): void;
  /** Whether the concert is known to be sold out with its window still open. */
  isSoldOut(concertId: bigint): boolean;
  forget(concertId: bigint): void;
}

const validForMs = 1_000;
const maxConcerts = 10_000;

/** `clockMs` is monotonic: the age of a memory must not depend on a clock that somebody sets. */
export function createSoldOutMemory(clockMs: () => number): SoldOutMemory {
  /** By concert: until when, on `clockMs`, the memory is good. In the order of their making. */
  const goodUntilMs = new Map<bigint, number>();
  return {
    note(concert, now, askedAtMs) {
      goodUntilMs.delete(concert.id);
      if (concert.availableTickets > 0 || Temporal.Instant.compare(now, concert.bookingStartTime) < 0) return;
      const openForMs = now.until(concert.bookingEndTime).total("milliseconds");
      if (openForMs <= 0) return;
      goodUntilMs.set(concert.id, askedAtMs + Math.min(validForMs, openForMs));
      const [oldest] = goodUntilMs.keys();
      if (goodUntilMs.size > maxConcerts && oldest !== undefined) goodUntilMs.delete(oldest);
    },
    isSoldOut: (concertId) => clockMs() < (goodUntilMs.get(concertId) ?? Number.NEGATIVE_INFINITY),
    forget: (concertId) => void goodUntilMs.delete(concertId),
  };
}
