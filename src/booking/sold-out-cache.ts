import type { Booking } from "../domain/booking.ts";
import type { Clock } from "../domain/clock.ts";
import type { Concert } from "../domain/concert.ts";
import type { ConcertId } from "../domain/ids.ts";
import type { Batches } from "../store/batch/open.ts";
import { answerAll } from "./batch.ts";
import { type BookingPolicy, decideBatch } from "./decide.ts";
import type { Job } from "./queue.ts";

/** A concert as it was at an instant of its booking window, sold out. */
interface SoldOut {
  readonly concert: Concert;
  readonly now: Temporal.Instant;
}

const validForMs = 1_000;
const maxConcerts = 10_000;

/**
 * The concerts that are sold out, so that a late crowd costs the database nothing. An entry is valid for a second (another
 * process may have changed the concert), while the booking window is open, and until a change in this process.
 */
export function createSoldOutCache(clock: Clock) {
  /** The oldest entry is first. */
  const entries = new Map<ConcertId, SoldOut & { readonly validUntilMs: number }>();
  return {
    /** Notes a concert as it was at `now`, the database's instant, which had not passed at `askedAtMs` of the clock. */
    note(concert: Concert, now: Temporal.Instant, askedAtMs: number): void {
      entries.delete(concert.id);
      if (concert.availableTickets > 0 || Temporal.Instant.compare(now, concert.bookingStartTime) < 0) return;
      const openForMs = now.until(concert.bookingEndTime).total("milliseconds");
      if (openForMs <= 0) return;
      entries.set(concert.id, { concert, now, validUntilMs: askedAtMs + Math.min(validForMs, openForMs) });
      const [oldest] = entries.keys();
      if (entries.size > maxConcerts && oldest !== undefined) entries.delete(oldest);
    },
    /** The concert, if it is sold out with its booking window open. */
    find(concertId: ConcertId): SoldOut | undefined {
      const entry = entries.get(concertId);
      return entry && clock.nowMs() < entry.validUntilMs ? entry : undefined;
    },
    forget: (concertId: ConcertId) => void entries.delete(concertId),
  };
}

/**
 * Answers a turn's jobs for a sold-out concert without a transaction: one statement finds the replays of the callers' own
 * keys, and the rest is refused. False if nothing was answered: a cancel is among the jobs, which puts tickets back on sale,
 * or the statement failed.
 */
export async function refuseSoldOut(
  batches: Pick<Batches, "find">,
  jobs: readonly Job[],
  { concert, now }: SoldOut,
  policy: BookingPolicy,
): Promise<boolean> {
  const commands = jobs.map(({ command }) => command).filter((command) => command.kind === "book");
  if (commands.length < jobs.length) return false;
  const keyed = commands.filter(({ hasOwnKey }) => hasOwnKey);
  let stored: Booking[];
  try {
    stored = keyed.length > 0 ? await batches.find(concert.id, keyed) : [];
  } catch {
    // The transaction retries transient failures, and isolates the request at fault.
    return false;
  }
  answerAll(jobs, decideBatch(commands, { concert, now, stored }, policy).answers, []);
  return true;
}
