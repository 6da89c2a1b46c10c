import { type Booking, bookingKey } from "../domain/booking.ts";
import { DomainError, type Failure } from "../domain/failure.ts";
import type { Job } from "./batch.ts";
import type { Batches } from "./batches.ts";
import type { BookingRequest } from "./commands.ts";
import { whyNoTickets } from "./decide.ts";
import type { BookingPolicy } from "./policy.ts";

/**
 * Refuses those who come too late for a sold-out concert without a transaction, after a look for replays of the callers'
 * own keys: one statement for all of them. False if that failed, and nobody has been answered.
 */
export async function answerLateCrowd(
  batches: Pick<Batches, "find">,
  jobs: readonly Job[],
  requests: readonly BookingRequest[],
  policy: BookingPolicy,
): Promise<boolean> {
  const keyed = requests.filter((request) => request.hasOwnKey);
  const [first] = keyed;
  let stored: Booking[];
  try {
    stored = first ? await batches.find(first.concertId, keyed) : [];
  } catch {
    return false;
  }
  const byKey = new Map(stored.map((booking) => [bookingKey(booking), booking]));
  for (const [index, request] of requests.entries()) {
    const job = jobs[index];
    const earlier = byKey.get(bookingKey(request));
    if (earlier?.ticketCount === request.ticketCount) job?.resolve({ value: earlier, replayed: true });
    else job?.reject(new DomainError(earlier ? { reason: "REQUEST_ID_REUSED" } : whyNot(request, policy)));
  }
  return true;
}

function whyNot({ ticketCount }: BookingRequest, policy: BookingPolicy): Failure {
  return whyNoTickets(ticketCount, 0, policy) ?? { reason: "INSUFFICIENT_TICKETS", available: 0 };
}
