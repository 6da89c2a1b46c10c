/** What the service should answer, as plainly as it can be said: no database, no locks, one call after the other. */

export type Window = "open" | "closed" | "not yet open";

/** What the model knows of a concert's description. */
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
  readonly now: ModelConcert;
  readonly requestId: string;
  /** What the creation said. */
  readonly created: ModelDescription;
}

interface StoredBooking {
  readonly now: ModelBooking;
  readonly requestId: string;
  readonly cancelRequestId: string;
}

/** Everything stored. */
export interface World {
  readonly concerts: Map<bigint, StoredConcert>;
  readonly bookings: Map<bigint, StoredBooking>;
}

export function emptyWorld(): World {
  return { concerts: new Map(), bookings: new Map() };
}

export const ticketLimit = 6;

const refusal = (reason: string, metadata: Record<string, string> = {}): Answer => ({ reason, metadata });

/** Carries out a call in the model and says the answer; what it makes gets the id `newId`, which the service chose. */
export function carryOut(world: World, call: Call, newId: bigint | undefined): Answer {
  switch (call.kind) {
    case "create":
      return create(world, call, newId);
    case "update":
      return update(world, call);
    case "get": {
      const concert = world.concerts.get(call.id);
      return concert ? { replayed: false, concert: concert.now } : refusal("CONCERT_NOT_FOUND");
    }
    case "book":
      return book(world, call, newId);
    case "cancel":
      return cancel(world, call);
  }
}

type CallOf<Kind extends Call["kind"]> = Extract<Call, { kind: Kind }>;

/** An id that exists twice, or none where one is due, is an answer that can be no service's. */
function mustBeNew(id: bigint | undefined, taken: ReadonlyMap<bigint, unknown>): bigint {
  return id === undefined || taken.has(id) ? -1n : id;
}

function create(world: World, { requestId, description }: CallOf<"create">, newId: bigint | undefined): Answer {
  const earlier = [...world.concerts.values()].find((each) => requestId !== "" && each.requestId === requestId);
  if (earlier) {
    const { totalTickets, priceCents, window } = earlier.created;
    const same =
      totalTickets === description.totalTickets &&
      priceCents === description.priceCents &&
      window === description.window;
    return same ? { replayed: true, concert: earlier.now } : refusal("REQUEST_ID_REUSED");
  }
  const id = mustBeNew(newId, world.concerts);
  const concert = { id, ...description, availableTickets: description.totalTickets, version: 1 };
  world.concerts.set(id, { now: concert, requestId, created: description });
  return { replayed: false, concert };
}

function update(world: World, { id, version, description }: CallOf<"update">): Answer {
  const stored = world.concerts.get(id);
  if (!stored) return refusal("CONCERT_NOT_FOUND");
  const { now } = stored;
  if (now.version !== version) return refusal("VERSION_MISMATCH", { current_version: String(now.version) });
  const sold = now.totalTickets - now.availableTickets;
  if (description.totalTickets < sold) return refusal("TOTAL_BELOW_SOLD", { sold: String(sold) });
  const concert = { id, ...description, availableTickets: description.totalTickets - sold, version: version + 1 };
  world.concerts.set(id, { ...stored, now: concert });
  return { replayed: false, concert };
}

function book(world: World, call: CallOf<"book">, newId: bigint | undefined): Answer {
  const { concertId, userId, ticketCount, requestId } = call;
  const concert = world.concerts.get(concertId)?.now;
  if (!concert) return refusal("CONCERT_NOT_FOUND");
  const earlier = [...world.bookings.values()].find(
    (each) =>
      requestId !== "" &&
      each.requestId === requestId &&
      each.now.concertId === concertId &&
      each.now.userId === userId,
  );
  if (earlier) {
    const same = earlier.now.ticketCount === ticketCount;
    return same ? { replayed: true, booking: earlier.now } : refusal("REQUEST_ID_REUSED");
  }
  if (concert.window !== "open") return refusal("BOOKING_NOT_OPEN");
  if (ticketCount > ticketLimit) return refusal("TICKET_LIMIT_EXCEEDED", { limit: String(ticketLimit) });
  const available = concert.availableTickets;
  if (ticketCount > available) return refusal("INSUFFICIENT_TICKETS", { available: String(available) });

  addAvailable(world, concertId, -ticketCount);
  const id = mustBeNew(newId, world.bookings);
  const booking: ModelBooking = {
    ...{ id, concertId, userId, ticketCount },
    ...{ unitPriceCents: concert.priceCents, status: "confirmed" },
  };
  world.bookings.set(id, { now: booking, requestId, cancelRequestId: "" });
  return { replayed: false, booking };
}

function cancel(world: World, { id, userId, requestId }: CallOf<"cancel">): Answer {
  const stored = world.bookings.get(id);
  if (!stored) return refusal("BOOKING_NOT_FOUND");
  if (stored.now.userId !== userId) return refusal("NOT_BOOKING_OWNER");
  if (stored.now.status === "cancelled") {
    const same = requestId !== "" && stored.cancelRequestId === requestId;
    return same ? { replayed: true, booking: stored.now } : refusal("ALREADY_CANCELLED");
  }
  addAvailable(world, stored.now.concertId, stored.now.ticketCount);
  const booking: ModelBooking = { ...stored.now, status: "cancelled" };
  world.bookings.set(id, { ...stored, now: booking, cancelRequestId: requestId });
  return { replayed: false, booking };
}

function addAvailable(world: World, concertId: bigint, change: number): void {
  const stored = world.concerts.get(concertId);
  if (!stored) throw new Error(`the model has no concert ${concertId}`);
  const availableTickets = stored.now.availableTickets + change;
  world.concerts.set(concertId, { ...stored, now: { ...stored.now, availableTickets } });
}
