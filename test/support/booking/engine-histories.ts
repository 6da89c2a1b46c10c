/** Random histories of two processes that sell tickets of the same concerts, for fast-check. */
import fc from "fast-check";
import { bookingIdOf, concertIdOf } from "../../../src/domain/ids.ts";
import { exampleBooking, exampleConcert } from "./example-bookings.ts";
import { type Faults, instantAt, type Moment, poisonedUser } from "./fake-database.ts";

export const processes = ["A", "B"] as const;
export type Process = (typeof processes)[number];
export const ticketLimit = 4;

/** A step of a client, an organizer or the clock. Numbers named `choice` pick among the items that exist by then. */
export type Action =
  | {
      readonly kind: "book";
      readonly process: Process;
      readonly concertId: bigint;
      readonly userId: string;
      readonly ticketCount: number;
      /** Undefined for a request without a key. */
      readonly requestId: string | undefined;
    }
  | {
      readonly kind: "cancel";
      readonly process: Process;
      readonly concertId: bigint;
      readonly choice: number;
      readonly isOwner: boolean;
      readonly requestId: string;
    }
  /** A deadline passes, or a client hangs up. */
  | { readonly kind: "abort"; readonly choice: number }
  /** The client goes on only when it has its answer. */
  | { readonly kind: "await" }
  | { readonly kind: "read"; readonly process: Process; readonly concertId: bigint }
  | { readonly kind: "change total"; readonly process: Process; readonly concertId: bigint; readonly by: number }
  | { readonly kind: "pass"; readonly ms: number }
  | { readonly kind: "idle"; readonly process: Process };

/** A history: the steps of each client, the faults, and the limits of the engines. */
export interface History {
  readonly concerts: readonly Pick<Moment, "concert" | "bookings">[];
  /** Each client's actions follow one another; the clients' mix as the scheduler wants. */
  readonly clients: readonly (readonly Action[])[];
  readonly faults: Faults;
  readonly maxQueuedRequests: number;
  readonly maxConcurrentBatches: number;
  readonly maxRetries: number;
}

const process = fc.constantFrom(...processes);
const choice = fc.nat(20);
const pass = fc.record({
  kind: fc.constant("pass" as const),
  ms: fc.constantFrom(1, 250, 500, 999, 1_000, 1_001),
});

/** Concert 3 does not exist. */
const concertId = weighted<bigint>([12, fc.constant(1n)], [4, fc.constant(2n)], [1, fc.constant(3n)]);

function bookings(ofConcert: fc.Arbitrary<bigint>, userId: fc.Arbitrary<string>, maxTickets: number) {
  return fc.record({
    kind: fc.constant("book" as const),
    process,
    concertId: ofConcert,
    userId,
    ticketCount: fc.integer({ min: 1, max: maxTickets }),
    requestId: fc.option(fc.constantFrom("a", "b", "c"), { nil: undefined }),
  });
}

function cancels(ofConcert: fc.Arbitrary<bigint>) {
  const isOwner = fc.integer({ min: 0, max: 5 }).map((drawn) => drawn > 0);
  const requestId = fc.constantFrom("x", "y");
  return fc.record({ kind: fc.constant("cancel" as const), process, concertId: ofConcert, choice, isOwner, requestId });
}

function changes(ofConcert: fc.Arbitrary<bigint>) {
  const by = fc.constantFrom(-1, 1, 3);
  return fc.record({ kind: fc.constant("change total" as const), process, concertId: ofConcert, by });
}

function reads(ofConcert: fc.Arbitrary<bigint>) {
  return fc.record({ kind: fc.constant("read" as const), process, concertId: ofConcert });
}

const anyAction = weighted<Action>(
  [
    12,
    bookings(concertId, weighted([14, fc.constantFrom("ann", "ben")], [1, fc.constant(poisonedUser)]), ticketLimit + 1),
  ],
  [5, cancels(concertId)],
  [3, fc.record({ kind: fc.constant("abort" as const), choice })],
  [5, fc.constant({ kind: "await" as const })],
  [3, reads(concertId)],
  [2, changes(fc.constantFrom(1n, 2n))],
  [4, pass],
  [1, fc.record({ kind: fc.constant("idle" as const), process })],
);

/** Around the last tickets of one concert. */
const lastTicketsAction = weighted<Action>(
  [8, bookings(fc.constant(1n), fc.constantFrom("ann", "ben"), 1)],
  [2, cancels(fc.constant(1n))],
  [5, fc.constant({ kind: "await" as const })],
  [2, reads(fc.constant(1n))],
  [2, changes(fc.constant(1n))],
  [4, pass],
);

function weighted<Value>(...choices: readonly [number, fc.Arbitrary<Value>][]): fc.Arbitrary<Value> {
  return fc.oneof(...choices.map(([weight, arbitrary]) => ({ weight, arbitrary })));
}

/** A concert of which two bookings are stored, one of them cancelled. */
function concert(
  concertId: bigint,
  left: number,
  opensMs: number,
  closesMs: number,
): Pick<Moment, "concert" | "bookings"> {
  const id = concertIdOf(concertId);
  const booking = { ...exampleBooking, concertId: id, ticketCount: 2, userId: "ann" };
  return {
    concert: {
      ...exampleConcert,
      id,
      totalTickets: left + 2,
      availableTickets: left,
      bookingStartTime: instantAt(opensMs),
      bookingEndTime: instantAt(closesMs),
    },
    bookings: [
      { ...booking, id: bookingIdOf(id * 10n), requestId: "a" },
      { ...booking, id: bookingIdOf(id * 10n + 1n), requestId: "b", status: "cancelled", cancelRequestId: "x" },
    ],
  };
}

function concerts(maxLeft: number) {
  const drawn = fc.record({
    left: fc.integer({ min: 0, max: maxLeft }),
    opensMs: fc.constantFrom(0, 0, 0, 1_400),
    closesMs: fc.constantFrom(10_000_000, 10_000_000, 10_000_000, 1_600, 2_500),
  });
  return drawn.map(({ left, opensMs, closesMs }) => [
    concert(1n, left, opensMs, closesMs),
    concert(2n, 3, 0, 10_000_000),
  ]);
}

/** Most steps have no fault, so that some succeed. */
function faults<Fault extends string>(maxLength: number, ...kinds: Fault[]): fc.Arbitrary<("none" | Fault)[]> {
  return fc.array(weighted<"none" | Fault>([3, fc.constant("none")], [1, fc.constantFrom(...kinds)]), { maxLength });
}

const engineSizes = {
  maxQueuedRequests: fc.constantFrom(2, 4, 1_000),
  maxConcurrentBatches: fc.constantFrom(1, 2),
  maxRetries: fc.constantFrom(0, 1, 2),
};

/** All kinds of steps and faults. */
export const anyHistory: fc.Arbitrary<History> = fc.record({
  ...engineSizes,
  concerts: concerts(8),
  clients: fc.array(fc.array(anyAction, { maxLength: 12 }), { minLength: 1, maxLength: 4 }),
  faults: fc.record({
    open: faults(12, "no connection", "no lock", "broken"),
    commit: faults(8, "serialization", "lost, committed", "lost, aborted"),
    find: faults(4, "broken"),
  }),
});

/** No faults, few tickets, and time passes. */
export const lastTicketsHistory: fc.Arbitrary<History> = fc.record({
  ...engineSizes,
  concerts: concerts(1),
  clients: fc.array(fc.array(lastTicketsAction, { maxLength: 16 }), { minLength: 1, maxLength: 3 }),
  faults: fc.constant({}),
});
