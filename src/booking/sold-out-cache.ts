import { type Booking, bookingKey } from "../domain/booking.ts";
import type { Clock } from "../domain/clock.ts";
import type { Concert } from "../domain/concert.ts";
import { DomainError } from "../domain/failure.ts";
import type { ConcertId } from "../domain/ids.ts";
import type { Batches } from "../store/batch/open.ts";
import type { BookCommand } from "./commands.ts";
import { type BookingPolicy, whyNoTickets } from "./decide.ts";
import type { Job } from "./queue.ts";

const validForMs = 1_000;
const maxConcerts = 10_000;

/**
 * The concerts that are sold out, so that a late crowd costs the database nothing. An entry is valid for a second (another
 * process may have changed the concert), while the booking window is open, and until a change in this process.
 */
export function createSoldOutCache(clock: Clock) {
  /** By concert, until when the entry is valid. The oldest entry is first. */
  const validUntilMs = new Map<ConcertId, number>();
  return {
    /** Notes a concert as it was at `now`, the database's instant, which had not passed at `askedAtMs` of the clock. */
    note(concert: Concert, now: Temporal.Instant, askedAtMs: number): void {
      validUntilMs.delete(concert.id);
      if (concert.availableTickets > 0 || Temporal.Instant.compare(now, concert.bookingStartTime) < 0) return;
      const openForMs = now.until(concert.bookingEndTime).total("milliseconds");
      if (openForMs <= 0) return;
      validUntilMs.set(concert.id, askedAtMs + Math.min(validForMs, openForMs));
      const [oldest] = validUntilMs.keys();
      if (validUntilMs.size > maxConcerts && oldest !== undefined) validUntilMs.delete(oldest);
    },
    /** Whether the concert is sold out with its booking window open. */
    has: (concertId: ConcertId) => clock.nowMs() < (validUntilMs.get(concertId) ?? Number.NEGATIVE_INFINITY),
    forget: (concertId: ConcertId) => void validUntilMs.delete(concertId),
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
  policy: BookingPolicy,
): Promise<boolean> {
  const commands = jobs.map(({ command }) => command).filter((command) => command.kind === "book");
  if (commands.length < jobs.length) return false;
  const keyed = commands.filter(({ hasOwnKey }) => hasOwnKey);
  const [first] = keyed;
  let stored: Booking[];
  try {
    stored = first ? await batches.find(first.concertId, keyed) : [];
  } catch {
    // The transaction retries transient failures, and isolates the request at fault.
    return false;
  }
  const byKey = new Map(stored.map((booking) => [bookingKey(booking), booking]));
  for (const job of jobs) {
    if (job.command.kind === "book") refuse(job, job.command, byKey.get(bookingKey(job.command)), policy);
  }
  return true;
}

function refuse(job: Job, { ticketCount }: BookCommand, earlier: Booking | undefined, policy: BookingPolicy): void {
  if (earlier?.ticketCount === ticketCount) job.resolve({ value: earlier, replayed: true });
  else if (earlier) job.reject(new DomainError({ reason: "REQUEST_ID_REUSED" }));
  else {
    const failure = whyNoTickets(ticketCount, 0, policy) ?? { reason: "INSUFFICIENT_TICKETS", available: 0 };
    job.reject(new DomainError(failure));
  }
}
