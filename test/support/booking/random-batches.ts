/** Random batches, and the bookings stored before them. */
import fc from "fast-check";
import type { Command } from "../../../src/booking/commands.ts";
import type { BookingPolicy } from "../../../src/booking/policy.ts";
import type { Booking } from "../../../src/domain/booking.ts";
import type { Concert } from "../../../src/domain/concert.ts";
import { bookingIdOf } from "../../../src/domain/ids.ts";
import {
  bookingRequest,
  cancelRequest,
  closesAt,
  confirmRequest,
  duringSale,
  exampleBooking,
  exampleConcert,
  examplePolicy,
  extendRequest,
  holdRequest,
  opensAt,
  releaseRequest,
} from "./example-bookings.ts";
import type { Rows } from "./fake-rows.ts";

const microsecond = { microseconds: 1 };
const minuteMs = 60_000;

/** Small enough that the batches ask for more. */
export const smallPolicy: BookingPolicy = {
  ...examplePolicy,
  maxTicketsPerBooking: 4,
  holdTtlMs: 2 * minuteMs,
  holdTtlMaxMs: 3 * minuteMs,
  holdLifetimeMs: 4 * minuteMs,
  lateConfirmMs: 5 * minuteMs,
};

const users = fc.constantFrom("ann", "ben", "Ann");
const counts = fc.integer({ min: 1, max: smallPolicy.maxTicketsPerBooking + 1 });
const cancelKeys = fc.constantFrom("cancel a", "cancel b");
const references = fc.constantFrom(undefined, "payment a", "payment b");
const ttls = fc.constantFrom(undefined, 1_000, 3 * minuteMs, 3 * minuteMs + 1);

const statuses = fc.constantFrom<Booking["status"][]>(
  "confirmed",
  "confirmed",
  "cancelled",
  "held",
  "held",
  "held",
  "expired",
  "released",
);

/** When a hold that is stored ends, from the batch's instant. */
const expiries = fc.constantFrom(-5 * minuteMs - 1, -5 * minuteMs, -1_000, 0, 1, 90_000);

interface StoredFacts {
  readonly userId: string;
  readonly requestId: string;
  readonly requestedCount: number;
  readonly lost: number;
  readonly status: Booking["status"];
  readonly wasHold: boolean;
  readonly expiresInMs: number;
  readonly key: string;
  readonly reference: string | undefined;
}

const storedFacts: fc.Arbitrary<StoredFacts[]> = fc.uniqueArray(
  fc.record({
    ...{ userId: users, requestId: fc.constantFrom("a", "b", "c"), requestedCount: counts, lost: fc.nat({ max: 1 }) },
    ...{ status: statuses, wasHold: fc.boolean(), expiresInMs: expiries, key: cancelKeys, reference: references },
  }),
  { maxLength: 6, selector: ({ userId, requestId }) => `${userId} ${requestId}` },
);

/** A booking as it can be stored. */
function storedBooking(facts: StoredFacts, at: number, now: Temporal.Instant): Booking {
  const { userId, requestId, requestedCount, lost, status, expiresInMs, key, reference } = facts;
  const isEnded = status === "confirmed" || status === "cancelled";
  const wasHold = facts.wasHold || !isEnded;
  const ticketCount = isEnded && wasHold ? Math.max(1, requestedCount - lost) : requestedCount;
  const holdExpiresTime = wasHold ? now.add({ milliseconds: expiresInMs }) : undefined;
  return {
    ...{ ...exampleBooking, id: bookingIdOf(BigInt(at + 1)), userId, requestId, requestedCount, ticketCount, status },
    ...{ holdExpiresTime, totalPriceCents: exampleBooking.unitPriceCents * ticketCount },
    paymentReference: isEnded && wasHold ? reference : undefined,
    cancelRequestId: status === "cancelled" ? key : undefined,
    createdAt: now.subtract({ minutes: 2 }),
  };
}

const orders = fc.record({
  ...{ userId: users, ticketCount: counts, ttlMs: ttls, isHold: fc.boolean() },
  requestId: fc.option(fc.constantFrom("a", "b", "c", "d"), { nil: undefined }),
  isExempt: fc.constantFrom(false, false, false, true),
});
const changes = fc.record({
  ...{ choice: fc.nat({ max: 40 }), kind: fc.constantFrom("confirm", "confirm", "release", "extend", "cancel") },
  userId: fc.constantFrom(undefined, undefined, undefined, "ann"),
  ...{ requestId: cancelKeys, paymentReference: references, ticketCount: fc.constantFrom(0, 0, 1, 3, 5) },
  ...{ ttlMs: fc.constantFrom(1_000, 3 * minuteMs, 3 * minuteMs + 1), acceptLate: fc.boolean() },
  hasConfirmScope: fc.constantFrom(true, true, true, false),
});
const drawnCommands = fc.array(fc.oneof({ weight: 5, arbitrary: orders }, { weight: 6, arbitrary: changes }), {
  maxLength: 14,
});

type Drawn<Facts> = Facts extends fc.Arbitrary<infer Value> ? Value : never;
type CommandFacts = Drawn<typeof orders> | Drawn<typeof changes>;

/** Each command has a different actor. A request without a key gets a unique one. */
function commandOf(facts: CommandFacts, at: number, stored: readonly Booking[]): Command {
  const actor = { subject: `caller ${at}`, address: undefined };
  if ("isHold" in facts) {
    const { requestId = `made for ${at}`, isHold, ttlMs, ...rest } = facts;
    const order = { ...rest, requestId, hasOwnKey: facts.requestId !== undefined, actor };
    return isHold ? holdRequest({ ...order, ttlMs }) : bookingRequest(order);
  }
  const { kind, choice, userId, requestId, paymentReference, ticketCount, ttlMs, acceptLate, hasConfirmScope } = facts;
  // Now and then there is no such booking.
  const bookingId = bookingIdOf(BigInt(choice === 0 ? 99 : (choice % Math.max(1, stored.length)) + 1));
  const ownerId = stored.find(({ id }) => id === bookingId)?.userId ?? "ann";
  const change = { bookingId, userId, actor };
  if (kind === "release") return releaseRequest(change);
  if (kind === "extend") return extendRequest({ ...change, ttlMs });
  if (kind === "cancel") return cancelRequest({ ...change, requestId });
  return confirmRequest({ ...change, ownerId, ticketCount, paymentReference, acceptLate, hasConfirmScope });
}

/** A batch, what is stored before it, and its instant. */
export interface RandomBatch {
  readonly rows: Rows;
  readonly commands: readonly Command[];
  readonly now: Temporal.Instant;
}

export const randomBatches: fc.Arbitrary<RandomBatch> = fc
  .record({
    stored: storedFacts,
    drawn: drawnCommands,
    left: fc.integer({ min: 0, max: 10 }),
    // Mostly during the sale.
    now: fc.constantFrom(
      ...[opensAt.subtract(microsecond), opensAt, duringSale, duringSale, duringSale],
      ...[closesAt.subtract(microsecond), closesAt],
    ),
    maxTicketsPerUser: fc.constantFrom(undefined, 3, 5),
    requiresPayment: fc.constantFrom(false, false, true),
  })
  .map(({ stored, drawn, left, now, maxTicketsPerUser, requiresPayment }) => {
    const bookings = stored.map((facts, at) => storedBooking(facts, at, now));
    const tickets = (wanted: Booking["status"]) =>
      bookings.reduce((sum, { status, ticketCount }) => sum + (status === wanted ? ticketCount : 0), 0);
    const concert: Concert = {
      ...{ ...exampleConcert, maxTicketsPerUser, requiresPayment },
      ...{ availableTickets: left, heldTickets: tickets("held") },
      totalTickets: left + tickets("held") + tickets("confirmed"),
    };
    const commands = drawn.map((facts, at) => commandOf(facts, at, bookings));
    return { rows: { concert, bookings }, commands, now };
  });
