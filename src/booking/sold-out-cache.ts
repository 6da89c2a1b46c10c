import type { Booking } from "../domain/booking.ts";
import type { Clock } from "../domain/clock.ts";
import type { Concert } from "../domain/concert.ts";
import type { ConcertId } from "../domain/ids.ts";
import type { Batches } from "../store/batch/open.ts";
import { answerAll, type Committed } from "./batch.ts";
import { isOrder } from "./commands.ts";
import { decideBatch } from "./decide.ts";
import type { BookingPolicy } from "./policy.ts";
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
 * process may have changed the concert), while the booking window is open, until the next hold expires, and until a change in
 * this process.
 */
export function createSoldOutCache(clock: Clock) {
  /** The oldest entry is first. */
  const entries = new Map<ConcertId, SoldOut & { readonly validUntilMs: number }>();
  return {
    /** Notes a concert as a batch has left it. The batch's instant had not passed at `askedAtMs` of the clock. */
    note({ concert, now, nextExpiry, askedAtMs }: Committed): void {
      entries.delete(concert.id);
      if (concert.availableTickets > 0 || Temporal.Instant.compare(now, concert.bookingStartTime) < 0) return;
      const validity = [
        now.add({ milliseconds: validForMs }),
        concert.bookingEndTime,
        ...(nextExpiry ? [nextExpiry] : []),
      ];
      const remainingMs = Math.min(...validity.map((instant) => now.until(instant).total("milliseconds")));
      if (remainingMs <= 0) return;
      entries.set(concert.id, { concert, now, validUntilMs: askedAtMs + remainingMs });
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
 * keys, and the rest is refused. False if nothing was answered: not all of the jobs ask for tickets, and others may put some
 * back on sale, or the statement failed.
 */
export async function refuseSoldOut(
  batches: Pick<Batches, "find">,
  jobs: readonly Job[],
  { concert, now }: SoldOut,
  policy: BookingPolicy,
): Promise<boolean> {
  const commands = jobs.map(({ command }) => command).filter(isOrder);
  if (commands.length < jobs.length) return false;
  const keyed = commands.filter(({ hasOwnKey }) => hasOwnKey);
  let stored: Booking[];
  try {
    stored = keyed.length > 0 ? await batches.find(concert.id, keyed) : [];
  } catch {
    // The transaction retries transient failures, and isolates the request at fault.
    return false;
  }
  // What each user has is not read: a request beyond the user's limit is refused for the lack of tickets.
  const state = { concert, now, stored, holds: [], userTickets: undefined, newIds: [] };
  const { answers } = decideBatch(commands, state, policy);
  answerAll(jobs, answers, rejectUndecided);
  return true;
}

/** No request is undecided without holds that are due. */
function rejectUndecided(): never {
  throw new Error("a sold-out concert has left a request undecided");
}
