/** Engines on a test's database, each with its own store, as the processes of a deployment have. */
import { randomUUID } from "node:crypto";
import type { BookCommand, BookingCommand, HoldCommand } from "../../../src/booking/commands.ts";
import { type BookingEngine, createBookingEngine } from "../../../src/booking/engine.ts";
import { type Clock, monotonicClock } from "../../../src/domain/clock.ts";
import { type ConcertId, concertIdOf } from "../../../src/domain/ids.ts";
import type { Store } from "../../../src/store/store.ts";
import type { TestDatabase } from "../database/database.ts";
import { openDeadline, openStore } from "../database/store.ts";
import { insertConcerts } from "../service/stage.ts";
import { bookingRequest, examplePolicy, holdRequest } from "./example-bookings.ts";

export interface StoreEngine extends AsyncDisposable {
  readonly store: Store;
  readonly engine: BookingEngine;
  submit(command: BookingCommand): ReturnType<BookingEngine["submit"]>;
}

export function openEngine(database: TestDatabase, poolSize = 2, clock: Clock = monotonicClock): StoreEngine {
  const store = openStore(database.url, { poolSize });
  const engine = createBookingEngine(store.batches, {
    ...{ policy: examplePolicy, maxQueuedRequests: 10_000, maxConcurrentBatches: poolSize, maxRetries: 3 },
    concertChanged: () => {},
    clock,
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

/** What a command that succeeds is answered with. */
export const granted = async (answer: ReturnType<StoreEngine["submit"]>) => (await answer).value;

/** One concert, with these columns. */
export async function insertConcert(
  database: TestDatabase,
  columns: Parameters<typeof insertConcerts>[1] = {},
): Promise<ConcertId> {
  const [id = concertIdOf(0n)] = await insertConcerts(database, columns);
  return id;
}
