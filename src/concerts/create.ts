import { createHash } from "node:crypto";
import type { Actor } from "../domain/change.ts";
import type { Concert, ConcertDescription } from "../domain/concert.ts";
import type { Deadline } from "../domain/deadline.ts";
import { DomainError } from "../domain/failure.ts";
import type { Replayable } from "../domain/replayable.ts";
import { recordConcertChange } from "../store/audit.ts";
import { findConcertByRequestId, insertConcert } from "../store/concerts.ts";
import type { Store } from "../store/store.ts";

/** Creates a concert, or finds the one that the same key and content created before; raises REQUEST_ID_REUSED. */
export function createConcert(
  store: Store,
  description: ConcertDescription,
  requestId: string,
  actor: Actor,
  deadline: Deadline,
): Promise<Replayable<Concert>> {
  const digest = digestOf(description);
  return store.transact<Replayable<Concert>>(async (transaction) => {
    const inserted = await insertConcert(transaction, description, requestId, digest);
    if (inserted) {
      await recordConcertChange(transaction, actor, undefined, inserted.concert);
      return { result: { value: inserted.concert, replayed: false }, transactionId: inserted.transactionId };
    }
    const earlier = await findConcertByRequestId(transaction, requestId);
    if (!earlier?.requestDigest.equals(digest)) throw new DomainError({ reason: "REQUEST_ID_REUSED" });
    return { result: { value: earlier.concert, replayed: true }, transactionId: earlier.transactionId };
  }, deadline);
}

/** The description's SHA-256, which tells a repeated request from another one with the same key after later updates too. */
function digestOf(description: ConcertDescription): Buffer {
  const { name, artist, venue, concertDate, totalTickets, priceCents, currencyCode } = description;
  const { bookingStartTime, bookingEndTime } = description;
  const content = [name, artist, venue, concertDate, totalTickets, priceCents, currencyCode];
  return createHash("sha256")
    .update(JSON.stringify([...content, bookingStartTime, bookingEndTime]))
    .digest();
}
