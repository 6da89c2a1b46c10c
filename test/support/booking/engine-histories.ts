/** Random histories of two processes that sell tickets of the same concerts, for fast-check. */
import fc from "fast-check";
import type { BookingPolicy } from "../../../src/booking/policy.ts";
import type { Booking } from "../../../src/domain/booking.ts";
import { bookingIdOf, concertIdOf } from "../../../src/domain/ids.ts";
import { exampleBooking, exampleConcert } from "./example-bookings.ts";
import { type Faults, instantAt } from "./fake-database.ts";
import { poisonedUser, type Rows } from "./fake-rows.ts";

export const processes = ["A", "B"] as const;
export type Process = (typeof processes)[number];

/** Times so short that a history passes them. */
export const historyPolicy: BookingPolicy = {
  ...{ maxTicketsPerBooking: 4, maxHoldsPerUser: 2, holdTtlMs: 1_500, holdTtlMaxMs: 3_000 },
  ...{ holdLifetimeMs: 4_000, lateConfirmMs: 1_000 },
};

/** Where an action happens. */
interface Place {
  readonly process: Process;
  readonly concertId: bigint;
}

/** A step of a client, an organizer or the clock. Numbers named `choice` pick among the items that exist by then. */
export type Action =
  | (Place & {
      readonly kind: "book" | "hold";
      readonly userId: string;
      readonly ticketCount: number;
      /** Undefined for a request without a key. */
      readonly requestId: string | undefined;
      readonly isExempt: boolean;
      readonly ttlMs: number | undefined;
    })
  | (Place & {
      readonly kind: "confirm" | "release" | "extend" | "cancel";
      readonly choice: number;
      readonly caller: "owner" | "another user" | "organizer";
      readonly requestId: string;
      readonly ticketCount: number;
      readonly paymentReference: string | undefined;
      readonly acceptLate: boolean;
      readonly hasConfirmScope: boolean;
      readonly ttlMs: number;
    })
  /** The process looks for holds that are due. */
  | (Place & { readonly kind: "sweep" })
  /** A deadline passes, or a client hangs up. */
  | { readonly kind: "abort"; readonly choice: number }
  /** The client goes on only when it has its answer. */
  | { readonly kind: "await" }
  | (Place & { readonly kind: "read" })
  | (Place & { readonly kind: "change total"; readonly by: number })
  | (Place & { readonly kind: "change limit"; readonly to: number | undefined })
  | { readonly kind: "pass"; readonly ms: number }
  | { readonly kind: "idle"; readonly process: Process };

/** A history: the steps of each client, the faults, and the limits of the engines. */
export interface History {
  readonly concerts: readonly Rows[];
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
  ms: fc.constantFrom(1, 250, 500, 999, 1_000, 1_001, 1_500, 3_000),
});
const limits = fc.constantFrom(undefined, undefined, 2, 4);

/** Concert 3 does not exist. */
const concertId = weighted<bigint>([12, fc.constant(1n)], [4, fc.constant(2n)], [1, fc.constant(3n)]);

function orders(ofConcert: fc.Arbitrary<bigint>, userId: fc.Arbitrary<string>, maxTickets: number) {
  return fc.record({
    ...{ kind: fc.constantFrom("book" as const, "hold" as const), process, concertId: ofConcert, userId },
    ticketCount: fc.integer({ min: 1, max: maxTickets }),
    requestId: fc.option(fc.constantFrom("a", "b", "c"), { nil: undefined }),
    isExempt: fc.constantFrom(false, false, false, true),
    ttlMs: fc.constantFrom(undefined, undefined, 1_000, 3_000, 3_001),
  });
}

function changes(ofConcert: fc.Arbitrary<bigint>) {
  return fc.record({
    ...{ kind: fc.constantFrom("confirm" as const, "confirm" as const, "release" as const, "extend" as const) },
    ...changeFields(ofConcert),
  });
}

function cancels(ofConcert: fc.Arbitrary<bigint>) {
  return fc.record({ kind: fc.constant("cancel" as const), ...changeFields(ofConcert) });
}

function changeFields(ofConcert: fc.Arbitrary<bigint>) {
  const callers = ["owner", "owner", "owner", "owner", "another user", "organizer"] as const;
  return {
    ...{ process, concertId: ofConcert, choice, caller: fc.constantFrom(...callers) },
    requestId: fc.constantFrom("x", "y"),
    ticketCount: fc.constantFrom(0, 0, 1, 2),
    paymentReference: fc.constantFrom(undefined, "paid"),
    ...{ acceptLate: fc.boolean(), hasConfirmScope: fc.constantFrom(true, true, true, false) },
    ttlMs: fc.constantFrom(1_000, 2_000, 3_000, 3_001),
  };
}

function organizersChanges(ofConcert: fc.Arbitrary<bigint>) {
  const place = { process, concertId: ofConcert };
  return fc.oneof(
    fc.record({ kind: fc.constant("change total" as const), ...place, by: fc.constantFrom(-1, 1, 3) }),
    fc.record({ kind: fc.constant("change limit" as const), ...place, to: limits }),
  );
}

function reads(ofConcert: fc.Arbitrary<bigint>) {
  return fc.record({ kind: fc.constant("read" as const), process, concertId: ofConcert });
}

function sweeps(ofConcert: fc.Arbitrary<bigint>) {
  return fc.record({ kind: fc.constant("sweep" as const), process, concertId: ofConcert });
}

const anyUser = weighted([14, fc.constantFrom("ann", "ben")], [1, fc.constant(poisonedUser)]);

const anyAction = weighted<Action>(
  [12, orders(concertId, anyUser, historyPolicy.maxTicketsPerBooking + 1)],
  [9, changes(concertId)],
  [4, cancels(concertId)],
  [1, sweeps(concertId)],
  [3, fc.record({ kind: fc.constant("abort" as const), choice })],
  [5, fc.constant({ kind: "await" as const })],
  [3, reads(concertId)],
  [2, organizersChanges(fc.constantFrom(1n, 2n))],
  [4, pass],
  [1, fc.record({ kind: fc.constant("idle" as const), process })],
);

/** Around the last tickets of one concert. */
const lastTicketsAction = weighted<Action>(
  [8, orders(fc.constant(1n), fc.constantFrom("ann", "ben"), 1)],
  [4, changes(fc.constant(1n))],
  [1, cancels(fc.constant(1n))],
  [1, sweeps(fc.constant(1n))],
  [5, fc.constant({ kind: "await" as const })],
  [2, reads(fc.constant(1n))],
  [2, organizersChanges(fc.constant(1n))],
  [4, pass],
);

/** Orders for a concert that stays sold out but for holds that end. */
const heldTicketsAction = weighted<Action>(
  [8, orders(fc.constant(1n), fc.constantFrom("ann", "ben", "cleo", "dora"), 1)],
  [6, fc.constant({ kind: "await" as const })],
  [1, reads(fc.constant(1n))],
  [5, fc.record({ kind: fc.constant("pass" as const), ms: fc.constantFrom(1, 150, 250, 500, 999) })],
);

function weighted<Value>(...choices: readonly [number, fc.Arbitrary<Value>][]): fc.Arbitrary<Value> {
  return fc.oneof(...choices.map(([weight, arbitrary]) => ({ weight, arbitrary })));
}

/** What a history's concerts differ in. */
interface ConcertFacts {
  readonly left: number;
  readonly opensMs: number;
  readonly closesMs: number;
  readonly maxTicketsPerUser: number | undefined;
  readonly requiresPayment: boolean;
  /** When the hold that is stored ends. */
  readonly expiresMs: number;
}

/** A concert of which four bookings are stored: one is confirmed, one cancelled, one held and one expired. */
function concert(concertId: bigint, facts: ConcertFacts): Rows {
  const { left, opensMs, closesMs, maxTicketsPerUser, requiresPayment, expiresMs } = facts;
  const id = concertIdOf(concertId);
  const common = { ...exampleBooking, concertId: id, ticketCount: 2, userId: "ann", createdAt: instantAt(0) };
  const booking = (index: number, changed: Partial<Booking>): Booking => {
    return { ...common, id: bookingIdOf(id * 10n + BigInt(index)), requestId: `stored ${index}`, ...changed };
  };
  const [ticketCount, totalPriceCents] = [1, exampleBooking.unitPriceCents];
  const held = { status: "held", ticketCount, requestedCount: 1, totalPriceCents, userId: "ben" } as const;
  return {
    concert: {
      ...{ ...exampleConcert, id, maxTicketsPerUser, requiresPayment },
      ...{ totalTickets: left + 3, availableTickets: left, heldTickets: 1 },
      ...{ bookingStartTime: instantAt(opensMs), bookingEndTime: instantAt(closesMs) },
    },
    bookings: [
      booking(0, { requestId: "a" }),
      booking(1, { requestId: "b", status: "cancelled", cancelRequestId: "x" }),
      booking(2, { ...held, holdExpiresTime: instantAt(expiresMs) }),
      booking(3, { status: "expired", holdExpiresTime: instantAt(500) }),
    ],
  };
}

const plainFacts = { opensMs: 0, closesMs: 10_000_000, maxTicketsPerUser: undefined, requiresPayment: false };

function concerts(maxLeft: number) {
  const drawn = fc.record({
    left: fc.integer({ min: 0, max: maxLeft }),
    opensMs: fc.constantFrom(0, 0, 0, 1_400),
    closesMs: fc.constantFrom(10_000_000, 10_000_000, 10_000_000, 1_600, 2_500),
    maxTicketsPerUser: limits,
    requiresPayment: fc.constantFrom(false, false, false, true),
    expiresMs: fc.constantFrom(900, 1_300, 2_000, 100_000),
  });
  return drawn.map((facts) => [concert(1n, facts), concert(2n, { ...plainFacts, left: 3, expiresMs: 2_000 })]);
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
  clients: fc.array(fc.array(anyAction, { maxLength: 12, size: "max" }), { minLength: 1, maxLength: 4 }),
  faults: fc.record({
    open: faults(12, "no connection", "no lock", "broken"),
    commit: faults(8, "serialization", "lost, committed", "lost, aborted"),
    settle: faults(6, "no connection", "no lock", "broken"),
    find: faults(4, "broken"),
  }),
});

/** No faults, few tickets, and time passes. */
export const lastTicketsHistory: fc.Arbitrary<History> = fc.record({
  ...engineSizes,
  concerts: concerts(1),
  clients: fc.array(fc.array(lastTicketsAction, { maxLength: 16, size: "max" }), { minLength: 1, maxLength: 3 }),
  faults: fc.constant({}),
});

/** No faults, and no tickets but those of holds that end. */
export const heldTicketsHistory: fc.Arbitrary<History> = fc.record({
  ...engineSizes,
  maxQueuedRequests: fc.constant(1_000),
  concerts: fc
    .constantFrom(900, 1_150, 1_300, 1_900)
    .map((expiresMs) => [concert(1n, { ...plainFacts, left: 0, expiresMs })]),
  clients: fc.array(fc.array(heldTicketsAction, { maxLength: 20, size: "max" }), { minLength: 1, maxLength: 2 }),
  faults: fc.constant({}),
});
