/** What the service should answer: the rules of concerts, and those of bookings for all concerts. One call after the other. */
import { randomUUID } from "node:crypto";
import type { Failure } from "../../../src/domain/failure.ts";
import { bookingIdOf } from "../../../src/domain/ids.ts";
import {
  availableIn,
  carryOut as carryOutAt,
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
/** Any instant at which the windows are what their names say. */
const now = instant("2050-01-01T00:00:00Z");

/** The part of a concert's description that the model tells apart. */
export interface ModelDescription {
  readonly totalTickets: number;
  readonly priceCents: number;
  readonly window: Window;
}

/** A call, with real ids. An empty requestId means that none is sent. */
export type Call =
  | { readonly kind: "create"; readonly requestId: string; readonly description: ModelDescription }
  | { readonly kind: "update"; readonly id: bigint; readonly version: number; readonly description: ModelDescription }
  | { readonly kind: "get"; readonly id: bigint }
  | {
      readonly kind: "book";
      readonly concertId: bigint;
      readonly userId: string;
      readonly ticketCount: number;
      readonly requestId: string;
    }
  | { readonly kind: "cancel"; readonly id: bigint; readonly userId: string; readonly requestId: string };

export interface ModelConcert extends ModelDescription {
  readonly id: bigint;
  readonly availableTickets: number;
  readonly version: number;
}

export interface ModelBooking {
  readonly id: bigint;
  readonly concertId: bigint;
  readonly userId: string;
  readonly ticketCount: number;
  readonly unitPriceCents: number;
  readonly status: "confirmed" | "cancelled";
}

/** An answer in the model's words. */
export type Answer =
  | { readonly reason: string; readonly metadata: Readonly<Record<string, string>> }
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
  readonly bookings: Map<bigint, ModelBooking>;
}

export function emptyWorld(): World {
  return { concerts: new Map(), bookings: new Map() };
}

export const ticketLimit = 6;

export function concertsOf({ concerts }: World): ModelConcert[] {
  return [...concerts].map(([id, concert]) => concertOf(id, concert));
}

function concertOf(id: bigint, { description, version, bookings }: StoredConcert): ModelConcert {
  const { totalTickets } = description;
  return { id, ...description, version, availableTickets: availableIn({ totalTickets, bookings }) };
}

const refusal = (reason: string, metadata: Record<string, string> = {}): Answer => ({ reason, metadata });

/** Carries out a call in the model and returns the answer. What it creates gets the id `newId`, which the service chose. */
export function carryOut(world: World, call: Call, newId: bigint | undefined): Answer {
  switch (call.kind) {
    case "create":
      return create(world, call, newId);
    case "update":
      return update(world, call);
    case "get": {
      const concert = world.concerts.get(call.id);
      return concert ? { replayed: false, concert: concertOf(call.id, concert) } : refusal("CONCERT_NOT_FOUND");
    }
    case "book": {
      const { kind, concertId, userId, ticketCount, requestId } = call;
      if (!world.concerts.has(concertId)) return refusal("CONCERT_NOT_FOUND");
      return decide(world, concertId, { kind, userId, ticketCount, requestId: requestId || randomUUID() }, newId);
    }
    case "cancel": {
      const { kind, id: bookingId, userId, requestId } = call;
      const concertId = world.bookings.get(bookingId)?.concertId;
      if (concertId === undefined) return refusal("BOOKING_NOT_FOUND");
      const request = { kind, bookingId: bookingIdOf(bookingId), userId, requestId: requestId || randomUUID() };
      return decide(world, concertId, request, undefined);
    }
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
    const { totalTickets, priceCents, window } = concert.created;
    const same =
      totalTickets === description.totalTickets &&
      priceCents === description.priceCents &&
      window === description.window;
    return same ? { replayed: true, concert: concertOf(id, concert) } : refusal("REQUEST_ID_REUSED");
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
  const sold = before.totalTickets - before.availableTickets;
  if (description.totalTickets < sold) return refusal("TOTAL_BELOW_SOLD", { sold: String(sold) });
  const concert = { ...stored, description, version: version + 1 };
  world.concerts.set(id, concert);
  return { replayed: false, concert: concertOf(id, concert) };
}

/** Books or cancels by the rules for one concert. */
function decide(world: World, concertId: bigint, request: ReferenceRequest, newId: bigint | undefined): Answer {
  const stored = world.concerts.get(concertId);
  if (!stored) throw new Error(`the model has no concert ${concertId}`);
  const { totalTickets, priceCents, window } = stored.description;
  const before = { totalTickets, ...windows[window], bookings: stored.bookings };
  const { answer, concert: after } = carryOutAt(before, request, now, ticketLimit);
  if ("failure" in answer) return refusal(answer.failure.reason, metadataOf(answer.failure));

  const { replayed, booking } = answer;
  const id = booking.id ?? mustBeNew(newId, world.bookings);
  const { userId, ticketCount, status } = booking;
  const unitPriceCents = world.bookings.get(id)?.unitPriceCents ?? priceCents;
  const shown = { id, concertId, userId, ticketCount, unitPriceCents, status };
  if (!replayed) {
    const bookings = after.bookings.map((each) => (each.id === undefined ? { ...each, id } : each));
    world.concerts.set(concertId, { ...stored, bookings });
    world.bookings.set(id, shown);
  }
  return { replayed, booking: shown };
}

/** The window's instants are compared by other tests. */
function metadataOf(failure: Failure): Record<string, string> {
  if (failure.reason === "TICKET_LIMIT_EXCEEDED") return { limit: String(failure.limit) };
  return failure.reason === "INSUFFICIENT_TICKETS" ? { available: String(failure.available) } : {};
}
