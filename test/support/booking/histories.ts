/** Random histories: commands that shrink well, and the calls that they mean in a given world. */
import fc from "fast-check";
import type { Call, ModelDescription, Window, World } from "./model.ts";

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
      readonly kind: "book";
      readonly concert: number;
      readonly user: number;
      readonly ticketCount: number;
      readonly key: number;
    }
  | { readonly kind: "cancel"; readonly booking: number; readonly user: number; readonly key: number }
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
});

const book = fc.record({
  kind: fc.constant("book" as const),
  concert: number,
  user: number,
  ticketCount: fc.oneof({ weight: 8, arbitrary: fc.integer({ min: 1, max: 4 }) }, fc.integer({ min: 5, max: 8 })),
  key: number,
});
const cancel = fc.record({ kind: fc.constant("cancel" as const), booking: number, user: number, key: number });
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
  { weight: 4, arbitrary: cancel },
  { weight: 5, arbitrary: repeat },
  { weight: 3, arbitrary: update },
  { weight: 2, arbitrary: create },
  { weight: 1, arbitrary: get },
);

/** Commands for one hot concert, to be sent at once: none makes another concert. */
export const hotCommand: fc.Arbitrary<Command> = fc.oneof(
  { weight: 8, arbitrary: book },
  { weight: 5, arbitrary: cancel },
  { weight: 4, arbitrary: repeat },
  { weight: 2, arbitrary: update },
  { weight: 1, arbitrary: get },
);

/** The key of a number; "" for the larger ones, which send none. */
function keyOf(number: number): string {
  return number < 3 * keyCount ? `00000000-0000-4000-8000-00000000000${number % keyCount}` : "";
}

/** The call that a command means in this world, after these calls. */
export function callFor(command: Command, world: World, calls: readonly Call[]): Call {
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
    case "book": {
      const { ticketCount, user, key } = command;
      const concertId = pick([...world.concerts.keys()], command.concert);
      return { kind: "book", concertId, userId: userOf(user), ticketCount, requestId: keyOf(key) };
    }
    case "cancel": {
      const id = pick([...world.bookings.keys()], command.booking);
      const owner = world.bookings.get(id)?.userId;
      // Mostly the owner.
      const userId = owner !== undefined && command.user < largest - 1 ? owner : userOf(command.user);
      return { kind: "cancel", id, userId, requestId: keyOf(command.key) };
    }
    case "repeat":
      return calls.at(-1 - (command.call % Math.max(1, calls.length))) ?? { kind: "get", id: unknownId };
  }
}

function userOf(number: number): string {
  return users[number % users.length] ?? "unknown";
}

function pick(ids: readonly bigint[], number: number): bigint {
  return number === largest ? unknownId : (ids[number % Math.max(1, ids.length)] ?? unknownId);
}
