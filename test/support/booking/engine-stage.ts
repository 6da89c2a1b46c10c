/** An engine on a fake database whose steps run at once, except where a test holds one. */
import type { BookingCommand } from "../../../src/booking/commands.ts";
import { createBookingEngine, type EngineOptions } from "../../../src/booking/engine.ts";
import type { Booking, BookingKey } from "../../../src/domain/booking.ts";
import type { Replayable } from "../../../src/domain/change.ts";
import type { ChangeDeadline } from "../../../src/domain/deadline.ts";
import { DomainError } from "../../../src/domain/failure.ts";
import { concertIdOf } from "../../../src/domain/ids.ts";
import type { BatchQuery } from "../../../src/store/batch/open.ts";
import { openDeadline } from "../database/store.ts";
import { exampleConcert, examplePolicy } from "./example-bookings.ts";
import { createFakeDatabase, type Faults, instantAt } from "./fake-database.ts";
import type { Rows } from "./fake-rows.ts";

export interface StageOptions extends Partial<EngineOptions> {
  readonly concerts?: readonly Rows[];
  readonly faults?: Faults;
}

/** A concert on sale, with so many tickets left. */
export function onSale(concertId: bigint, availableTickets: number, stored: readonly Booking[] = []): Rows {
  const id = concertIdOf(concertId);
  const bookings = stored.map((booking) => ({ ...booking, concertId: id }));
  const ticketsWith = (wanted: Booking["status"]) =>
    bookings.reduce((sum, { status, ticketCount }) => sum + (status === wanted ? ticketCount : 0), 0);
  const heldTickets = ticketsWith("held");
  const totalTickets = availableTickets + heldTickets + ticketsWith("confirmed");
  const [bookingStartTime, bookingEndTime] = [instantAt(0), instantAt(10_000_000)];
  return {
    concert: { ...exampleConcert, id, totalTickets, availableTickets, heldTickets, bookingStartTime, bookingEndTime },
    bookings,
  };
}

export function createStage({ concerts = [onSale(1n, 1_000)], faults = {}, ...options }: StageOptions = {}) {
  const clock = { nowMs: 1_000 };
  const clockMs = () => clock.nowMs;
  const gates = new Map<string, PromiseWithResolvers<void>>();
  const opened: BatchQuery[] = [];
  const settled: string[] = [];
  const found: (readonly BookingKey[])[] = [];
  const step = async (label: string) => gates.get(label)?.promise;
  const database = createFakeDatabase({ concerts, clockMs, step, faults });
  const batches = database.batches("A");
  const engine = createBookingEngine(
    {
      ...batches,
      open: (query) => {
        opened.push(query);
        return batches.open(query);
      },
      find: (concertId, keys) => {
        found.push(keys);
        return batches.find(concertId, keys);
      },
      isCommitted: (concertId, batchId) => {
        settled.push(batchId);
        return batches.isCommitted(concertId, batchId);
      },
    },
    {
      ...{ policy: examplePolicy, maxQueuedRequests: 10_000, maxConcurrentBatches: 4, maxRetries: 2 },
      ...{ concertChanged: () => {}, clock: { nowMs: clockMs }, wait: async () => {} },
      ...options,
    },
  );
  return {
    ...{ engine, database, clock, opened, found, settled },
    /** From now on whatever does this step waits, until the function that is returned lets it go on. */
    hold(label: string): () => void {
      const gate = Promise.withResolvers<void>();
      gates.set(label, gate);
      return () => {
        gates.delete(label);
        gate.resolve();
      };
    },
    submit: (request: BookingCommand, deadline: ChangeDeadline = openDeadline()) => engine.submit(request, deadline),
  };
}

/** Lets happen all that waits for nothing but its turn. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** `OK`, `REPLAYED`, the reason of a refusal, or an error's message. */
export async function verdict(answer: Promise<Replayable<Booking>>): Promise<string> {
  try {
    return (await answer).replayed ? "REPLAYED" : "OK";
  } catch (error) {
    if (error instanceof DomainError) return error.failure.reason;
    return error instanceof Error ? error.message : String(error);
  }
}

/** Fills the caller in once its answer is there; `waiting` until then. */
export function watch(answer: Promise<Replayable<Booking>>): { readonly verdict: string } {
  const watched = { verdict: "waiting" };
  void verdict(answer).then((now) => {
    watched.verdict = now;
  });
  return watched;
}
