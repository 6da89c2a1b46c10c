/** Random histories: commands that shrink well, and the calls that they mean in a given world. */
import fc from "fast-check";
import { bookingIn, type Call, type ModelDescription, type Window, type World } from "./model.ts";

/** A command names concerts, bookings, users and keys by small numbers. The largest number means an unknown one. */
export type Command =
  | { readonly kind: "create"; readonly key: number; readonly description: ModelDescription }
  | {
      readonly kind: "update";
      readonly concert: number;
      readonly versionOffset: number;
      readonly description: ModelDescription;
    }
  | { readonly kind: "get"; readonly concert: number }
  | {
      readonly kind: "book" | "hold";
      readonly concert: number;
      readonly user: number;
      readonly ticketCount: number;
      readonly key: number;
      readonly ttlMs: number | undefined;
    }
  | {
      readonly kind: "confirm" | "release" | "extend" | "cancel";
      readonly booking: number;
      readonly user: number;
      readonly key: number;
      readonly ticketCount: number;
      readonly acceptLate: boolean;
      readonly ttlMs: number;
    }
  /** The end of a hold is moved into the past. */
  | { readonly kind: "come due"; readonly booking: number }
  | { readonly kind: "repeat"; readonly call: number };

const largest = 11;
const number = fc.nat({ max: largest });
const unknownId = 2n ** 62n;
const keyCount = 3;

export const users: readonly string[] = ["ann", "ben", "cleo"];

const description = fc.record<ModelDescription>({
  totalTickets: fc.integer({ min: 1, max: 16 }),
  priceCents: fc.constantFrom(0, 29, 5_025),
  window: fc.oneof(
    { weight: 6, arbitrary: fc.constant<Window>("open") },
    { weight: 1, arbitrary: fc.constantFrom<Window>("closed", "not yet open") },
  ),
  maxTicketsPerUser: fc.constantFrom(0, 0, 0, 4, 8),
  requiresPayment: fc.constantFrom(false, false, false, true),
});

const minuteMs = 60_000;
/** So far apart that a test's duration does not matter. The longest one is too long. */
const ttlsMs = [10 * minuteMs, 20 * minuteMs, 35 * minuteMs, 36 * minuteMs];

const book = fc.record({
  kind: fc.constantFrom("book" as const, "hold" as const),
  ttlMs: fc.constantFrom(undefined, ...ttlsMs),
  concert: number,
  user: number,
  ticketCount: fc.oneof({ weight: 8, arbitrary: fc.integer({ min: 1, max: 4 }) }, fc.integer({ min: 5, max: 8 })),
  key: number,
});
const changeFields = {
  ...{ booking: number, user: number, key: number, ticketCount: fc.constantFrom(0, 0, 1, 2) },
  ...{ acceptLate: fc.boolean(), ttlMs: fc.constantFrom(...ttlsMs) },
};
const cancel = fc.record({ kind: fc.constant("cancel" as const), ...changeFields });
const changeOfHold = fc.record({
  kind: fc.constantFrom("confirm" as const, "confirm" as const, "release" as const, "extend" as const),
  ...changeFields,
});
const comeDue = fc.record({ kind: fc.constant("come due" as const), booking: number });
const update = fc.record({
  kind: fc.constant("update" as const),
  concert: number,
  versionOffset: fc.constantFrom(0, 0, 0, 1, -1),
  description,
});
const create = fc.record({ kind: fc.constant("create" as const), key: number, description });
const get = fc.record({ kind: fc.constant("get" as const), concert: number });
const repeat = fc.record({ kind: fc.constant("repeat" as const), call: number });

/** Any command, bookings most of all. */
export const anyCommand: fc.Arbitrary<Command> = fc.oneof(
  { weight: 8, arbitrary: book },
  { weight: 2, arbitrary: cancel },
  { weight: 6, arbitrary: changeOfHold },
  { weight: 2, arbitrary: comeDue },
  { weight: 5, arbitrary: repeat },
  { weight: 3, arbitrary: update },
  { weight: 2, arbitrary: create },
  { weight: 1, arbitrary: get },
);

/** Commands for one hot concert, to be sent at once: none makes another concert. */
export const hotCommand: fc.Arbitrary<Exclude<Command, { kind: "come due" }>> = fc.oneof(
  { weight: 8, arbitrary: book },
  { weight: 3, arbitrary: cancel },
  { weight: 5, arbitrary: changeOfHold },
  { weight: 4, arbitrary: repeat },
  { weight: 2, arbitrary: update },
  { weight: 1, arbitrary: get },
);

/** The key of a number; "" for the larger ones, which send none. */
function keyOf(number: number): string {
  return number < 3 * keyCount ? `00000000-0000-4000-8000-00000000000${number % keyCount}` : "";
}

/** The call that a command means in this world, after these calls. */
export function callFor(command: Exclude<Command, { kind: "come due" }>, world: World, calls: readonly Call[]): Call {
  switch (command.kind) {
    case "create":
      return { kind: "create", requestId: keyOf(command.key), description: command.description };
    case "update": {
      const id = pick([...world.concerts.keys()], command.concert);
      const version = (world.concerts.get(id)?.version ?? 1) + command.versionOffset;
      return { kind: "update", id, version: Math.max(1, version), description: command.description };
    }
    case "get":
      return { kind: "get", id: pick([...world.concerts.keys()], command.concert) };
    case "book":
    case "hold": {
      const { kind, ticketCount, user, key } = command;
      const concertId = pick([...world.concerts.keys()], command.concert);
      const ttlMs = kind === "hold" ? command.ttlMs : undefined;
      return { kind, concertId, userId: userOf(user), ticketCount, requestId: keyOf(key), ttlMs };
    }
    case "confirm":
    case "release":
    case "extend":
    case "cancel":
      return changeFor(command, world);
    case "repeat":
      return calls.at(-1 - (command.call % Math.max(1, calls.length))) ?? { kind: "get", id: unknownId };
  }
}

function changeFor(command: Extract<Command, { ticketCount: number; booking: number }>, world: World): Call {
  const { kind, ticketCount, acceptLate, ttlMs, key } = command;
  const id = bookingFor(command, world);
  const owner = bookingIn(world, id)?.userId;
  // Mostly the owner.
  const userId = owner !== undefined && command.user < largest - 1 ? owner : userOf(command.user);
  switch (kind) {
    case "confirm":
      return { kind, id, userId, ticketCount, paymentReference: key % 3 === 0 ? "paid" : "", acceptLate };
    case "release":
      return { kind, id, userId };
    case "extend":
      return { kind, id, userId, ttlMs };
    case "cancel":
      return { kind, id, userId, requestId: keyOf(key) };
  }
}

/** The booking that a command names. */
export function bookingFor({ booking }: { readonly booking: number }, world: World): bigint {
  return pick([...world.concertOf.keys()], booking);
}

function userOf(number: number): string {
  return users[number % users.length] ?? "unknown";
}

function pick(ids: readonly bigint[], number: number): bigint {
  return number === largest ? unknownId : (ids[number % Math.max(1, ids.length)] ?? unknownId);
}
