import { createHash } from "node:crypto";
import type { Actor, Replayable } from "../domain/change.ts";
import type { Concert, ConcertDescription } from "../domain/concert.ts";
import type { ChangeDeadline } from "../domain/deadline.ts";
import { DomainError } from "../domain/failure.ts";
import { recordConcertChange } from "../store/audit.ts";
import { findConcertByRequestId, insertConcert } from "../store/concerts.ts";
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
  return store.transact(async (transaction) => {
    const inserted = await insertConcert(transaction, description, requestId, digest);
    if (inserted) {
      await recordConcertChange(transaction, actor, undefined, inserted);
      return { value: inserted, replayed: false };
    }
    const earlier = await findConcertByRequestId(transaction, requestId);
    if (!earlier?.requestDigest.equals(digest)) throw new DomainError({ reason: "REQUEST_ID_REUSED" });
    return { value: earlier.concert, replayed: true };
  }, deadline);
}

/** The description's SHA-256. It distinguishes a replay from another request with the same key, also after later updates. */
function digestOf(description: ConcertDescription): Buffer {
  const { name, artist, venue, concertDate, totalTickets, priceCents, currencyCode } = description;
  const { bookingStartTime, bookingEndTime } = description;
  const content = [name, artist, venue, concertDate, totalTickets, priceCents, currencyCode];
  return createHash("sha256")
    .update(JSON.stringify([...content, bookingStartTime, bookingEndTime]))
    .digest();
}
