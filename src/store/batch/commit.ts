import { type Booking, bookingKey } from "../../domain/booking.ts";
import { bookingIdOf } from "../../domain/ids.ts";
import type { BatchChanges, BatchWrites } from "../bookings.ts";
import { newBooking } from "../bookings.ts";
import type { Connection } from "../pool/connection.ts";
import { isDefiniteRollback } from "../sqlstate.ts";
import { numericFromCents } from "../values.ts";
import { actorColumn, actsOnOthers, entryColumns, insertBookingEntries } from "./audit.ts";
import { runnerOn } from "./prepared.ts";
import {
  type CancelColumns,
  cancelBookings,
  insertBookings,
  keyColumns,
  type NewBookingColumns,
  setAvailable,
} from "./statements.ts";

/** COMMIT was sent, and its response was lost: the transaction may have committed or not. */
export class CommitInDoubtError extends Error {
  override readonly name = "CommitInDoubtError";

  constructor(cause: unknown) {
    super("the response to COMMIT was lost", { cause });
  }
}

/** A connection with a batch's transaction, and whether COMMIT has ended the transaction. */
export interface BatchSession {
  readonly connection: Connection;
  isOver: boolean;
}

/** Writes and commits in one flight. Returns the new bookings. See `OpenBatch.commit`. */
export async function commitBatch(
  session: BatchSession,
  { concert, now }: Pick<BatchWrites, "concert" | "now">,
  { availableTickets, newBookings, cancelled }: BatchChanges,
): Promise<Booking[]> {
  const writes = { concert, now, availableTickets, newBookings, cancelled };
  const acts = actsOnOthers(writes);
  // All parameters are built before anything is sent: COMMIT must never follow a part of the writes.
  const columns = {
    bookings: newBookings.length > 0 ? newBookingColumns(writes) : undefined,
    cancels: cancelled.length > 0 ? cancelColumns(writes) : undefined,
    entries: acts.length > 0 ? entryColumns(acts, writes) : undefined,
  };
  const run = runnerOn(session.connection);
  const isStockChanged = availableTickets !== concert.availableTickets;
  const flight = {
    updated: isStockChanged ? run(setAvailable, { concertId: concert.id, availableTickets }) : undefined,
    inserted: columns.bookings ? run(insertBookings, columns.bookings) : [],
    marked: columns.cancels && run(cancelBookings, columns.cancels),
    recorded: columns.entries && run(insertBookingEntries, columns.entries),
    commit: session.connection.query("commit"),
  };
  const { commit, ...statements } = flight;
  await Promise.allSettled(Object.values(flight));
  const { command } = await commit.catch((error) => {
    throw isDefiniteRollback(error) ? error : new CommitInDoubtError(error);
  });
  session.isOver = true;
  if (command !== "COMMIT") {
    await Promise.all(Object.values(statements));
    throw new Error(`COMMIT ended as ${command}`);
  }
  return storedBookings(writes, await flight.inserted);
}

/** Matches the new rows to the bookings by their keys: PostgreSQL guarantees no order. */
function storedBookings(
  { concert, newBookings, now }: BatchWrites,
  rows: readonly { readonly id: bigint; readonly user_id: string; readonly request_id: string }[],
): Booking[] {
  const ids = new Map(
    rows.map((row) => [bookingKey({ userId: row.user_id, requestId: row.request_id }), bookingIdOf(row.id)]),
  );
  return newBookings.map((request) => {
    const id = ids.get(bookingKey(request));
    // The batch is committed: commit recovery reads its rows again.
    if (id === undefined) throw new CommitInDoubtError(new Error("a booking of the batch has no row"));
    return { ...newBooking(concert, request, now), id };
  });
}

function newBookingColumns({ concert, newBookings, now }: BatchWrites): NewBookingColumns {
  return {
    concertId: concert.id,
    ...keyColumns(newBookings),
    ticketCounts: newBookings.map(({ ticketCount }) => ticketCount),
    actors: actorColumn(newBookings),
    unitPrice: numericFromCents(concert.priceCents),
    currencyCode: concert.currencyCode,
    now: now.toString(),
  };
}

function cancelColumns({ cancelled, now }: BatchWrites): CancelColumns {
  return {
    ids: cancelled.map(({ after }) => after.id),
    requestIds: cancelled.map(({ after }) => after.cancelRequestId ?? ""),
    actors: actorColumn(cancelled.map(({ actor, before }) => ({ actor, userId: before.userId }))),
    now: now.toString(),
  };
}
