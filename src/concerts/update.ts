import type { Actor, Precondition } from "../domain/change.ts";
import type { Concert, DescriptionUpdate } from "../domain/concert.ts";
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
 * Replaces a concert's description if its version is the expected one. A limit per user that is lower than what users have
 * takes nothing from them. Raises CONCERT_NOT_FOUND, VERSION_MISMATCH or TOTAL_BELOW_SOLD.
 */
export function updateConcert(
  store: Store,
  concertId: ConcertId,
  { version, precondition }: ExpectedVersion,
  update: DescriptionUpdate,
  actor: Actor,
  deadline: ChangeDeadline,
): Promise<Concert> {
  return store.transact(
    concertId,
    async (transaction) => {
      const locked = await lockAndReadConcert(transaction, concertId);
      if (!locked) throw new DomainError({ reason: "CONCERT_NOT_FOUND", concertId });
      const { concert } = locked;
      const header = precondition?.brokenBy(concert.version);
      if (header) throw new DomainError({ reason: "VERSION_MISMATCH", currentVersion: concert.version, header });
      if (concert.version !== version) {
        throw new DomainError({ reason: "VERSION_MISMATCH", currentVersion: concert.version });
      }
      const { availableTickets, heldTickets: held } = concert;
      const sold = concert.totalTickets - availableTickets - held;
      if (update.totalTickets < sold + held) throw new DomainError({ reason: "TOTAL_BELOW_SOLD", sold, held });

      const { maxTicketsPerUser = concert.maxTicketsPerUser, requiresPayment = concert.requiresPayment } = update;
      const description = { ...update, maxTicketsPerUser: maxTicketsPerUser || undefined, requiresPayment };
      const result = await setDescription(transaction, locked, description);
      await recordConcertChange(transaction, actor, concert, result);
      return result;
    },
    deadline,
  );
}
