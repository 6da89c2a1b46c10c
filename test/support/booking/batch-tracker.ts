/** Which calls each transaction of an engine decides. */
import pg from "pg";
import type { BookingEvents } from "../../../src/booking/events.ts";
import type { Batches, BatchQuery } from "../../../src/store/batch/open.ts";

/**
 * A turn marks its jobs as begun, in their order, before it opens a transaction, and again before each retry. A batch that
 * PostgreSQL refuses is halved: then the transactions follow without such marks.
 */
export class BatchTracker<Call> {
  readonly callsOf = new Map<BatchQuery, readonly Call[]>();
  /** By concert, the calls that are begun and not yet in a transaction, and the halves that are still to come. */
  readonly #turns = new Map<bigint, { begun: Call[]; halves: (readonly Call[])[] }>();

  noteTurn({ concertId }: BookingEvents["booking.turn_started"]): void {
    this.#turns.set(concertId, { begun: [], halves: [] });
  }

  noteBegun(concertId: bigint, call: Call): void {
    this.#turns.get(concertId)?.begun.push(call);
  }

  wrap(batches: Batches): Batches {
    return {
      ...batches,
      open: async (query) => {
        const turn = this.#turns.get(query.concertId) ?? { begun: [], halves: [] };
        const calls = turn.begun.length > 0 ? turn.begun : (turn.halves.pop() ?? []);
        turn.begun = [];
        this.callsOf.set(query, calls);
        const halve = (error: unknown): never => {
          const isHalved = error instanceof pg.DatabaseError && error.code === "22021" && calls.length > 1;
          const middle = calls.length >> 1;
          if (isHalved) turn.halves.push(calls.slice(middle), calls.slice(0, middle));
          throw error;
        };
        const open = await batches.open(query).catch(halve);
        return {
          state: open.state,
          commit: (effects) => open.commit(effects).catch(halve),
          [Symbol.asyncDispose]: () => open[Symbol.asyncDispose](),
        };
      },
    };
  }
}
