/** What the service should answer: the rules of concerts, and those of bookings for all concerts. One call after the other. */
import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { BookingPolicy } from "../../../src/booking/policy.ts";
import type { BookingStatus } from "../../../src/domain/booking.ts";
import type { Failure } from "../../../src/domain/failure.ts";
import { bookingIdOf } from "../../../src/domain/ids.ts";
import {
  availableIn,
  carryOut as carryOutAt,
  heldIn,
  type ReferenceBooking,
  type ReferenceConcert,
  type ReferenceRequest,
} from "./booking-reference.ts";

export type Window = "open" | "closed" | "not yet open";

const instant = (text: string) => Temporal.Instant.from(text);
export const windows: Readonly<Record<Window, Pick<ReferenceConcert, "opensAt" | "closesAt">>> = {
  closed: { opensAt: instant("2020-01-01T00:00:00Z"), closesAt: instant("2020-02-01T00:00:00Z") },
  open: { opensAt: instant("2020-01-01T00:00:00Z"), closesAt: instant("2100-01-01T00:00:00Z") },
  "not yet open": { opensAt: instant("2100-01-01T00:00:00Z"), closesAt: instant("2100-02-01T00:00:00Z") },
};
/** An instant at which the windows are what their names say. The histories begin then, and each call is a millisecond later. */
const beginning = instant("2050-01-01T00:00:00Z");

/** What the service is started with. The times are longer than a test by far. */
export const modelPolicy: BookingPolicy = {
  ...{ maxTicketsPerBooking: 6, maxHoldsPerUser: 2, holdTtlMs: 600_000, holdTtlMaxMs: 2_100_000 },
  ...{ holdLifetimeMs: 3_600_000, lateConfirmMs: 86_400_000 },
};

/** The part of a concert's description that the model tells apart. */
export interface ModelDescription {
  readonly totalTickets: number;
  readonly priceCents: number;
  readonly window: Window;
  /** 0 for no limit. */
  readonly maxTicketsPerUser: number;
  readonly requiresPayment: boolean;
}

/** A call, with real ids. An empty requestId means that none is sent. */
export type Call =
  | { readonly kind: "create"; readonly requestId: string; readonly description: ModelDescription }
  | { readonly kind: "update"; readonly id: bigint; readonly version: number; readonly description: ModelDescription }
  | { readonly kind: "get"; readonly id: bigint }
  | {
      readonly kind: "book" | "hold";
      readonly concertId: bigint;
      readonly userId: string;
      readonly ticketCount: number;
      readonly requestId: string;
      /** Of a hold; undefined for the policy's. */
      readonly ttlMs: number | undefined;
    }
  | {
      readonly kind: "confirm";
      readonly id: bigint;
      readonly userId: string;
      readonly ticketCount: number;
      readonly paymentReference: string;
      readonly acceptLate: boolean;
    }
  | { readonly kind: "release"; readonly id: bigint; readonly userId: string }
  | { readonly kind: "extend"; readonly id: bigint; readonly userId: string; readonly ttlMs: number }
  | { readonly kind: "cancel"; readonly id: bigint; readonly userId: string; readonly requestId: string };

export interface ModelConcert extends ModelDescription {
  readonly id: bigint;
  readonly availableTickets: number;
  readonly heldTickets: number;
  readonly version: number;
}

export interface ModelBooking {
  readonly id: bigint;
  readonly concertId: bigint;
  readonly userId: string;
  readonly ticketCount: number;
  readonly unitPriceCents: number;
  readonly status: BookingStatus;
  readonly wasHold: boolean;
  readonly paymentReference: string;
}

/** An answer in the model's words. */
export type Answer =
  | {
      readonly reason: string;
      readonly metadata: Readonly<Record<string, string>>;
      /** Set if the service may refuse as sold out: it does not read then what the user has. */
      readonly isSoldOut?: boolean;
    }
  | { readonly replayed: boolean; readonly concert: ModelConcert }
  | { readonly replayed: boolean; readonly booking: ModelBooking };

interface StoredConcert {
  readonly description: ModelDescription;
  readonly version: number;
  readonly requestId: string;
  /** The description in the creation. */
  readonly created: ModelDescription;
  readonly bookings: readonly ReferenceBooking[];
}

/** Everything stored. */
export interface World {
  readonly concerts: Map<bigint, StoredConcert>;
  /** The concert of each booking. */
  readonly concertOf: Map<bigint, bigint>;
  now: Temporal.Instant;
}

export function emptyWorld(): World {
  return { concerts: new Map(), concertOf: new Map(), now: beginning };
}

export function copyOf({ concerts, concertOf, now }: World): World {
  return { concerts: new Map(concerts), concertOf: new Map(concertOf), now };
}

export function concertsOf({ concerts }: World): ModelConcert[] {
  return [...concerts].map(([id, concert]) => concertOf(id, concert));
}

function concertOf(id: bigint, { description, version, bookings }: StoredConcert): ModelConcert {
  const { totalTickets } = description;
  const availableTickets = availableIn({ totalTickets, bookings });
  return { id, ...description, version, availableTickets, heldTickets: heldIn({ bookings }) };
}

export function bookingsOf({ concerts }: World): ModelBooking[] {
  return [...concerts].flatMap(([id, { bookings }]) => bookings.map((each) => shown(each, id, each.id ?? -1n)));
}

function shown(booking: ReferenceBooking, concertId: bigint, id: bigint): ModelBooking {
  const { userId, ticketCount, unitPriceCents, status, holdExpiresTime, paymentReference = "" } = booking;
  const wasHold = holdExpiresTime !== undefined;
  return { id, concertId, userId, ticketCount, unitPriceCents, status, wasHold, paymentReference };
}

/** The booking of an id. */
export function bookingIn(world: World, id: bigint): ReferenceBooking | undefined {
  const concertId = world.concertOf.get(id);
  const concert = concertId === undefined ? undefined : world.concerts.get(concertId);
  return concert?.bookings.find((each) => each.id === id);
}

/** Moves the end of a hold into the past. */
export function makeDue(world: World, id: bigint): void {
  const concertId = world.concertOf.get(id);
  const concert = concertId === undefined ? undefined : world.concerts.get(concertId);
  if (concertId === undefined || !concert) return;
  const holdExpiresTime = world.now.subtract({ seconds: 1 });
  const bookings = concert.bookings.map((each) => (each.id === id ? { ...each, holdExpiresTime } : each));
  world.concerts.set(concertId, { ...concert, bookings });
}

/** Whether an answer of the service is the model's. */
export function isAnswer(answer: Answer, expected: Answer): boolean {
  if (!("reason" in expected)) return isDeepStrictEqual(answer, expected);
  const { reason, metadata, isSoldOut = false } = expected;
  const soldOut = refusal("INSUFFICIENT_TICKETS", { available: "0" });
  return isDeepStrictEqual(answer, { reason, metadata }) || (isSoldOut && isDeepStrictEqual(answer, soldOut));
}

const refusal = (reason: string, metadata: Record<string, string> = {}): Answer => ({ reason, metadata });

/**
 * Carries out a call in the model and returns the answer. What it creates gets the id `newId`, which the service chose.
 * `laterMs` is how much later it is than the call before.
 */
export function carryOut(world: World, call: Call, newId: bigint | undefined, laterMs = 1): Answer {
  world.now = world.now.add({ milliseconds: laterMs });
  switch (call.kind) {
    case "create":
      return create(world, call, newId);
    case "update":
      return update(world, call);
    case "get": {
      const concert = world.concerts.get(call.id);
      return concert ? { replayed: false, concert: concertOf(call.id, concert) } : refusal("CONCERT_NOT_FOUND");
    }
    case "book":
    case "hold": {
      const { kind, concertId, userId, ticketCount, ttlMs } = call;
      if (!world.concerts.has(concertId)) return refusal("CONCERT_NOT_FOUND");
      const order = { userId, ticketCount, requestId: call.requestId || randomUUID(), isExempt: false };
      return decide(world, concertId, kind === "book" ? { kind, ...order } : { kind, ...order, ttlMs }, newId);
    }
    default: {
      const concertId = world.concertOf.get(call.id);
      if (concertId === undefined) return refusal("BOOKING_NOT_FOUND");
      return decide(world, concertId, changeOf(call), undefined);
    }
  }
}

function changeOf(call: CallOf<"confirm" | "release" | "extend" | "cancel">): ReferenceRequest {
  const change = { bookingId: bookingIdOf(call.id), userId: call.userId };
  switch (call.kind) {
    case "confirm": {
      const { kind, ticketCount, acceptLate } = call;
      const paymentReference = call.paymentReference || undefined;
      return { kind, ...change, ticketCount, paymentReference, acceptLate, hasConfirmScope: true };
    }
    case "release":
      return { kind: call.kind, ...change };
    case "extend":
      return { kind: call.kind, ...change, ttlMs: call.ttlMs };
    case "cancel":
      return { kind: call.kind, ...change, requestId: call.requestId || randomUUID() };
  }
}

type CallOf<Kind extends Call["kind"]> = Extract<Call, { kind: Kind }>;

/** An id that exists already, or a missing one, becomes an id that no service's answer has. */
function mustBeNew(id: bigint | undefined, taken: ReadonlyMap<bigint, unknown>): bigint {
  return id === undefined || taken.has(id) ? -1n : id;
}

function create(world: World, { requestId, description }: CallOf<"create">, newId: bigint | undefined): Answer {
  const earlier = [...world.concerts].find(([, each]) => requestId !== "" && each.requestId === requestId);
  if (earlier) {
    const [id, concert] = earlier;
    const isSame = isDeepStrictEqual(concert.created, description);
    return isSame ? { replayed: true, concert: concertOf(id, concert) } : refusal("REQUEST_ID_REUSED");
  }
  const id = mustBeNew(newId, world.concerts);
  const concert = { description, version: 1, requestId, created: description, bookings: [] };
  world.concerts.set(id, concert);
  return { replayed: false, concert: concertOf(id, concert) };
}

function update(world: World, { id, version, description }: CallOf<"update">): Answer {
  const stored = world.concerts.get(id);
  if (!stored) return refusal("CONCERT_NOT_FOUND");
  if (stored.version !== version) return refusal("VERSION_MISMATCH", { current_version: String(stored.version) });
  const before = concertOf(id, stored);
  const held = before.heldTickets;
  const sold = before.totalTickets - before.availableTickets - held;
  if (description.totalTickets < sold + held)
    return refusal("TOTAL_BELOW_SOLD", { sold: String(sold), held: String(held) });
  const concert = { ...stored, description, version: version + 1 };
  world.concerts.set(id, concert);
  return { replayed: false, concert: concertOf(id, concert) };
}

/** Books, holds or changes a booking by the rules for one concert. */
function decide(world: World, concertId: bigint, request: ReferenceRequest, newId: bigint | undefined): Answer {
  const stored = world.concerts.get(concertId);
  if (!stored) throw new Error(`the model has no concert ${concertId}`);
  const { totalTickets, priceCents, window, maxTicketsPerUser, requiresPayment } = stored.description;
  const facts = { totalTickets, priceCents, requiresPayment, maxTicketsPerUser: maxTicketsPerUser || undefined };
  const before = { ...facts, ...windows[window], bookings: stored.bookings };
  const { answer, concert: after } = carryOutAt(before, request, world.now, modelPolicy);
  const isNew = "booking" in answer && answer.booking.id === undefined;
  const id = isNew ? mustBeNew(newId, world.concertOf) : undefined;
  const bookings = after.bookings.map((each) => (each.id === undefined ? { ...each, id } : each));
  world.concerts.set(concertId, { ...stored, bookings });
  if (id !== undefined) world.concertOf.set(id, concertId);
  if ("failure" in answer) {
    const { failure } = answer;
    const isOfUser = failure.reason === "USER_LIMIT_EXCEEDED" || failure.reason === "HOLD_LIMIT_EXCEEDED";
    const isSoldOut = isOfUser && availableIn(after) === 0;
    return { ...refusal(failure.reason, metadataOf(failure)), ...(isSoldOut ? { isSoldOut } : {}) };
  }
  if (!("booking" in answer)) throw new Error("a call has no answer");
  const { replayed, booking } = answer;
  return { replayed, booking: shown(booking, concertId, booking.id ?? id ?? -1n) };
}

/** Instants are compared by other tests. */
function metadataOf(failure: Failure): Record<string, string> {
  switch (failure.reason) {
    case "TICKET_LIMIT_EXCEEDED":
    case "HOLD_LIMIT_EXCEEDED":
      return { limit: String(failure.limit) };
    case "USER_LIMIT_EXCEEDED":
      return { limit: String(failure.limit), booked: String(failure.booked), held: String(failure.held) };
    case "INSUFFICIENT_TICKETS":
    case "HOLD_EXPIRED":
      return { available: String(failure.available) };
    case "MORE_THAN_HELD":
      return { held: String(failure.held) };
    case "NOT_HELD":
    case "NOT_CONFIRMED":
      return { status: `BOOKING_STATUS_${failure.status.toUpperCase()}` };
    default:
      return {};
  }
}
