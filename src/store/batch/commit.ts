import { randomUUID } from "node:crypto";
import type { Concert } from "../../domain/concert.ts";
import type { Connection } from "../pool/connection.ts";
import { isDefiniteRollback } from "../sqlstate.ts";
import { entryColumns, insertEntries } from "./audit.ts";
import type { BatchEffects } from "./effects.ts";
import { runnerOn } from "./prepared.ts";
import { insertBatch, insertBookings, insertColumns, setCounters, updateBookings, updateColumns } from "./write.ts";

/** COMMIT was sent, and its response was lost: the transaction may have committed or not. */
export class CommitInDoubtError extends Error {
  override readonly name = "CommitInDoubtError";
  /** The evidence of the batch, if it has committed. */
  readonly batchId: string;

  constructor(batchId: string, cause: unknown) {
    super("the response to COMMIT was lost", { cause });
    this.batchId = batchId;
  }
}

/** A connection with a batch's transaction, and whether COMMIT has ended the transaction. */
export interface BatchSession {
  readonly connection: Connection;
  isOver: boolean;
}

/** The concert that is locked, as it was read, and the batch's instant. */
interface Locked {
  readonly concert: Concert;
  readonly now: Temporal.Instant;
}

/** Writes and commits in one flight. See `OpenBatch.commit`. */
export async function commitBatch(session: BatchSession, locked: Locked, effects: BatchEffects): Promise<void> {
  const { concert } = locked;
  const { availableTickets, heldTickets, inserts, updates, entries } = effects;
  const concertId = concert.id;
  const now = locked.now.toString();
  const batchId = randomUUID();
  // All parameters are built before anything is sent: COMMIT must never follow a part of the writes.
  const columns = {
    inserts: inserts.length > 0 ? insertColumns(inserts, concert, now) : undefined,
    updates: updates.length > 0 ? updateColumns(updates, concertId, now) : undefined,
    entries: entries.length > 0 ? entryColumns(entries, concertId, now) : undefined,
  };
  const run = runnerOn(session.connection);
  const isCountChanged = availableTickets !== concert.availableTickets || heldTickets !== concert.heldTickets;
  const flight = {
    counted: isCountChanged ? run(setCounters, { concertId, availableTickets, heldTickets }) : undefined,
    inserted: columns.inserts && run(insertBookings, columns.inserts),
    updated: columns.updates && run(updateBookings, columns.updates),
    recorded: columns.entries && run(insertEntries, columns.entries),
    evidenced: run(insertBatch, { concertId, batchId, now }),
    commit: session.connection.query("commit"),
  };
  const { commit, ...statements } = flight;
  await Promise.allSettled(Object.values(flight));
  const { command } = await commit.catch((error) => {
    throw isDefiniteRollback(error) ? error : new CommitInDoubtError(batchId, error);
  });
  session.isOver = true;
  if (command !== "COMMIT") {
    await Promise.all(Object.values(statements));
    throw new Error(`COMMIT ended as ${command}`);
  }
}
