import { createHash } from "node:crypto";
import type { Actor, Replayable } from "../domain/change.ts";
import type { Concert, ConcertDescription } from "../domain/concert.ts";
import type { ChangeDeadline } from "../domain/deadline.ts";
import { DomainError, retryDelayMs } from "../domain/failure.ts";
import { recordConcertChange } from "../store/audit.ts";
import {
  allocateConcertId,
  claimRequest,
  findConcert,
  insertConcert,
  noConcertYet,
  readRequest,
} from "../store/concerts.ts";
import type { Store } from "../store/store.ts";

/** Creates a concert, or finds the one that the same key and content created before. Raises REQUEST_ID_REUSED. */
export function createConcert(
  store: Store,
  description: ConcertDescription,
  requestId: string,
  actor: Actor,
  deadline: ChangeDeadline,
): Promise<Replayable<Concert>> {
  const digest = digestOf(description);
  return store.transact(
    noConcertYet,
    async (transaction) => {
      const id = await allocateConcertId(transaction);
      if (await claimRequest(transaction, { requestId, digest }, id)) {
        const inserted = await insertConcert(transaction, id, description);
        await recordConcertChange(transaction, actor, undefined, inserted);
        return { value: inserted, replayed: false };
      }
      const earlier = await readRequest(transaction, requestId);
      if (!earlier.digest.equals(digest)) throw new DomainError({ reason: "REQUEST_ID_REUSED" });
      const concert = await findConcert(transaction, earlier.concertId);
      // Where the tables are sharded, a key can be visible a moment before its concert.
      if (!concert) throw new DomainError({ reason: "DATABASE_UNAVAILABLE", retryDelayMs });
      return { value: concert, replayed: true };
    },
    deadline,
  );
}

/**
 * The description's SHA-256. It distinguishes a replay from another request with the same key, also after later updates. Fields
 * that earlier releases did not have count only if they are set, so that keys from then still replay.
 */
function digestOf(description: ConcertDescription): Buffer {
  const { name, artist, venue, concertDate, totalTickets, priceCents, currencyCode } = description;
  const { bookingStartTime, bookingEndTime, maxTicketsPerUser, requiresPayment } = description;
  const content = [name, artist, venue, concertDate, totalTickets, priceCents, currencyCode];
  const later = maxTicketsPerUser !== undefined || requiresPayment ? [maxTicketsPerUser ?? 0, requiresPayment] : [];
  return createHash("sha256")
    .update(JSON.stringify([...content, bookingStartTime, bookingEndTime, ...later]))
    .digest();
}
