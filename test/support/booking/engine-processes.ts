/** The processes of a run, wired as `app.ts` wires them, on a fake database. */
import { createBookingEngine } from "../../../src/booking/engine.ts";
import type { BookingEvents } from "../../../src/booking/events.ts";
import { createConcertCache } from "../../../src/concerts/cache.ts";
import type { Booking } from "../../../src/domain/booking.ts";
import type { Concert } from "../../../src/domain/concert.ts";
import { type ConcertId, concertIdOf } from "../../../src/domain/ids.ts";
import type { Publish } from "../../../src/domain/publish.ts";
import { BatchTracker } from "./batch-tracker.ts";
import { type History, historyPolicy, type Process } from "./engine-histories.ts";
import { createFakeDatabase, type FakeDatabase } from "./fake-database.ts";

/** A process learns the state of a concert at a moment. */
export interface Learning {
  readonly concertId: bigint;
  readonly moment: number;
  readonly ms: number;
}

/** The engines and caches of two processes on one database, wired as `app.ts` wires them. */
export function createProcesses<Call>(history: History, clockMs: () => number, step: (label: string) => Promise<void>) {
  const momentOf = (concertId: bigint) => database.history(concertId).length - 1;
  /** By process and concert, the moment that its last transaction saw or made. */
  const touched = new Map<string, number>();
  const database = createFakeDatabase({
    ...{ concerts: history.concerts, clockMs, step, faults: history.faults },
    onEffect: (process, concertId) => touched.set(`${process} ${concertId}`, momentOf(concertId)),
  });

  const createProcess = (process: Process) => {
    const { maxQueuedRequests, maxConcurrentBatches, maxRetries } = history;
    const cache = createConcertCache({ clock: { nowMs: clockMs }, maxConcerts: 4, maxPages: 1 });
    const learnt: Learning[] = [];
    const reads = new Map<bigint, number>();
    const concertChanged = (concertId: ConcertId, concert: Concert | undefined) => {
      cache.concertChanged(concertId, concert);
      // Without the concert, the process forgets what it had learnt.
      const moment = concert ? (touched.get(`${process} ${concertId}`) ?? 0) : momentOf(concertId);
      learnt.push({ concertId, moment, ms: clockMs() });
    };
    const tracker = new BatchTracker<Call>();
    const publish: Publish<BookingEvents> = (name, event) => {
      if (name === "booking.turn_started") tracker.noteTurn(event as BookingEvents["booking.turn_started"]);
    };
    const engine = createBookingEngine(tracker.wrap(database.batches(process)), {
      ...{ policy: historyPolicy, publish },
      ...{ maxQueuedRequests, maxConcurrentBatches, maxRetries, concertChanged, clock: { nowMs: clockMs } },
      wait: () => step(`${process} backs off`),
      readPending: () => step(`${process} reads what is pending`),
    });
    return {
      engine,
      tracker,
      learn: (concertId: bigint, isStored: (booking: Booking) => boolean) => {
        const moment = database.history(concertId).findIndex(({ bookings }) => bookings.some(isStored));
        learnt.push({ concertId, moment, ms: clockMs() });
      },
      learnt: (concertId: bigint) => learnt.filter((each) => each.concertId === concertId),
      reads,
      read: (concertId: bigint) =>
        cache.concert(concertIdOf(concertId), async () => {
          reads.set(concertId, clockMs());
          await step(`${process} reads for its cache`);
          const { concert } = database.now(concertId) ?? {};
          await step(`${process} has read for its cache`);
          reads.delete(concertId);
          return concert;
        }),
      change: async (concertId: bigint, change: Parameters<FakeDatabase["change"]>[1]) => {
        await database.change(concertId, change);
        await step(`${process} learns that the concert is changed`);
        engine.concertChanged(concertIdOf(concertId));
        concertChanged(concertIdOf(concertId), undefined);
      },
    };
  };
  return { database, services: { A: createProcess("A"), B: createProcess("B") } };
}
