/** Whether what the service has stored is what it has told the users. */
import { setTimeout as delay } from "node:timers/promises";
import { BookingStatus } from "../../gen/frontrow/v1/booking_pb.ts";
import type { Clients } from "./clients.ts";
import type { Tally } from "./crowd.ts";

/** Every figure but the first must be 0. */
export interface Verdict {
  readonly stored: number;
  /** Tickets that were sold beyond those of the concert. */
  readonly oversold: number;
  /** Bookings that were confirmed to a user, and are not stored. */
  readonly lost: number;
  /** Stored bookings, or confirmed ones, beyond one for each request that was confirmed or has no answer. */
  readonly doubled: number;
  /** The difference between the concert's count of available tickets and what its bookings leave. */
  readonly miscounted: number;
}

/** A batch that is in the database when its callers give up may be stored seconds later. */
const settleMs = 10_000;
const pauseMs = 1_000;

/**
 * Verifies, and does so again while the result is not sound and requests have no answer: their bookings may be stored between
 * the two reads.
 */
export async function verifySettled(clients: Clients, concertId: bigint, tally: Tally): Promise<Verdict> {
  const givesUpAtMs = performance.now() + settleMs;
  for (;;) {
    const verdict = await verify(clients, concertId, tally);
    if (isSound(verdict) || tally.unanswered === 0 || performance.now() >= givesUpAtMs) return verdict;
    await delay(pauseMs);
  }
}

/** Reads the concert and all of its bookings, and compares them with the tally. */
export async function verify({ concerts, bookings }: Clients, concertId: bigint, tally: Tally): Promise<Verdict> {
  const stored = new Set<bigint>();
  let soldTickets = 0;
  let pageToken = "";
  do {
    const wanted = { concertId, pageToken, pageSize: 100, statuses: [BookingStatus.CONFIRMED] };
    const page = await bookings.listConcertBookings(wanted);
    for (const { id, ticketCount } of page.bookings) {
      if (!stored.has(id)) soldTickets += ticketCount;
      stored.add(id);
    }
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  // Another process may remember the concert as it was a second ago.
  const { totalTickets, availableTickets } = await concerts.getConcert(
    { id: concertId },
    { headers: { "cache-control": "no-cache" } },
  );
  const confirmed = new Set(tally.confirmed);
  const untold = [...stored].filter((id) => !confirmed.has(id)).length;
  return {
    stored: stored.size,
    oversold: Math.max(0, soldTickets - totalTickets),
    lost: [...confirmed].filter((id) => !stored.has(id)).length,
    doubled: tally.confirmed.length - confirmed.size + Math.max(0, untold - tally.unanswered),
    miscounted: Math.abs(totalTickets - soldTickets - availableTickets),
  };
}

/** Whether nothing was oversold, lost, doubled or miscounted. */
export function isSound({ oversold, lost, doubled, miscounted }: Verdict): boolean {
  return oversold + lost + doubled + miscounted === 0;
}
