/** Engines on a test's database, each with its own store, as the processes of a deployment have. */
import { randomUUID } from "node:crypto";
import type { BookCommand, BookingCommand, HoldCommand } from "../../../src/booking/commands.ts";
import { type BookingEngine, createBookingEngine } from "../../../src/booking/engine.ts";
import type { Booking } from "../../../src/domain/booking.ts";
import type { Store } from "../../../src/store/store.ts";
import type { TestDatabase } from "../database/database.ts";
import { openDeadline, openStore } from "../database/store.ts";
import { bookingRequest, examplePolicy, holdRequest } from "./example-bookings.ts";

export interface StoreEngine extends AsyncDisposable {
  readonly store: Store;
  readonly engine: BookingEngine;
  submit(command: BookingCommand): ReturnType<BookingEngine["submit"]>;
}

export function openEngine(database: TestDatabase, poolSize = 2): StoreEngine {
  const store = openStore(database.url, { poolSize });
  const engine = createBookingEngine(store.batches, {
    ...{ policy: examplePolicy, maxQueuedRequests: 10_000, maxConcurrentBatches: poolSize, maxRetries: 3 },
    concertChanged: () => {},
  });
  return {
    ...{ store, engine },
    submit: (command) => engine.submit(command, openDeadline()),
    [Symbol.asyncDispose]: async () => {
      await engine.idle();
      await store.close();
    },
  };
}

const byUser = (userId: string) => ({
  userId,
  requestId: randomUUID(),
  actor: { subject: userId, address: undefined },
});

/** A user's booking with an unused key. */
export function bookingBy(userId: string, changes: Parameters<typeof bookingRequest>[0]): BookCommand {
  return bookingRequest({ ...byUser(userId), ...changes });
}

/** A user's hold with an unused key. */
export function holdBy(userId: string, changes: Parameters<typeof holdRequest>[0]): HoldCommand {
  return holdRequest({ ...byUser(userId), ...changes });
}

/** Moves the end of a hold into the past, so that it is due. */
export async function makeDue(database: Pick<TestDatabase, "query">, { id }: Pick<Booking, "id">): Promise<void> {
  await database.query(
    `WITH locked AS (
       SELECT id FROM concerts WHERE id = (SELECT concert_id FROM bookings WHERE id = $1) FOR UPDATE)
     UPDATE bookings SET hold_expires_time = now() - interval '1 second'
     WHERE id = $1 AND concert_id = (SELECT id FROM locked)`,
    [id],
  );
}
