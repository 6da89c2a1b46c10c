import type { Actor, Precondition } from "../domain/change.ts";
import type { Concert, ConcertDescription } from "../domain/concert.ts";
import type { ChangeDeadline } from "../domain/deadline.ts";
import { DomainError } from "../domain/failure.ts";
import type { ConcertId } from "../domain/ids.ts";
import { recordConcertChange } from "../store/audit.ts";
import { lockAndReadConcert, setDescription } from "../store/concerts.ts";
import type { Store } from "../store/store.ts";

/** The version that an update is based on, and what its headers demand of the concert's version. */
export interface ExpectedVersion {
  readonly version: number;
  readonly precondition?: Precondition;
}

/**
 * Replaces a concert's description if its version is the expected one. Raises CONCERT_NOT_FOUND, VERSION_MISMATCH or
 * TOTAL_BELOW_SOLD.
 */
export function updateConcert(
  store: Store,
  concertId: ConcertId,
  { version, precondition }: ExpectedVersion,
  description: ConcertDescription,
  actor: Actor,
  deadline: ChangeDeadline,
): Promise<Concert> {
  return store.transact(async (transaction) => {
    const locked = await lockAndReadConcert(transaction, concertId);
    if (!locked) throw new DomainError({ reason: "CONCERT_NOT_FOUND", concertId });
    const { concert } = locked;
    const header = precondition?.brokenBy(concert.version);
    if (header) throw new DomainError({ reason: "VERSION_MISMATCH", currentVersion: concert.version, header });
    if (concert.version !== version) {
      throw new DomainError({ reason: "VERSION_MISMATCH", currentVersion: concert.version });
    }
    const sold = concert.totalTickets - concert.availableTickets;
    if (description.totalTickets < sold) throw new DomainError({ reason: "TOTAL_BELOW_SOLD", sold });

    const result = await setDescription(transaction, locked, description);
    await recordConcertChange(transaction, actor, concert, result);
    return result;
  }, deadline);
}
