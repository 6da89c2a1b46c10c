/** Users that book, cancel, hold, confirm and release, one request after the other, and record the outcomes. */
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { MessageShape } from "@bufbuild/protobuf";
import { expect, vi } from "vitest";
import type { BookingSchema } from "../../../gen/frontrow/v1/booking_pb.ts";
import { BookingService } from "../../../gen/frontrow/v1/booking_service_pb.ts";
import type { Outcome, ProtocolClient } from "../protocols/protocols.ts";

type Booking = MessageShape<typeof BookingSchema>;

/** A request and the outcome of each attempt. */
export interface Wish {
  readonly kind: "book" | "hold" | "cancel" | "confirm" | "release";
  readonly concertId: bigint;
  readonly userId: string;
  /** Of a confirmation: 0 for all that is held. */
  readonly ticketCount: number;
  /** The request's key. Of a confirmation: its payment reference. */
  readonly requestId: string;
  /** Of the booking to change. */
  readonly bookingId: bigint | undefined;
  /** Whether the hold ends after a second. Its confirmation is accepted late. */
  readonly isBrief: boolean;
  readonly outcomes: Outcome<Booking>[];
}

/** A concert to book. */
interface Offer {
  readonly concertId: bigint;
  /** Whether all its bookings are cancelled or released, so that it never stays sold out; else some are. */
  readonly returnsAll: boolean;
}

export interface Crowd {
  readonly wishes: readonly Wish[];
  /** When requests succeeded, by each service, in the milliseconds of `performance.now()`. */
  readonly grantedAt: readonly (readonly number[])[];
  /** When the requests of `grantedAt` were sent. */
  readonly sentAt: readonly (readonly number[])[];
  /** Resolves once so many more requests have succeeded. */
  untilGranted(more: number): Promise<void>;
  /** Resolves once every service has rejected so many more requests for this reason. */
  untilRefused(reason: string, times: number): Promise<void>;
  /** Resolves when all users have the outcome of their last request, or have tried for too long. */
  goHome(): Promise<void>;
}

/** Reasons for which a client repeats a request with the same key. */
const passingReasons = new Set(["OVERLOADED", "DATABASE_UNAVAILABLE", "OUTCOME_UNKNOWN", "DEADLINE_EXCEEDED"]);
const closingMs = 5_000;
const maxWishesPerUser = 5_000;
/** The shortest that the schema allows. */
const briefTtl = { seconds: 1n };
/** After so many turns a user confirms one. Some have expired by then. */
const turnsOfBriefHold = 2;

interface CrowdOptions {
  readonly users?: number;
  /** How often a request is repeated, and how long after each refusal. */
  readonly maxAttempts?: number;
  readonly backOffMs?: number;
  /** How long to wait until requests have been granted or refused. */
  readonly patienceMs?: number;
}

/**
 * Starts a crowd. `clients` has the clients of each service, whose protocols the users take in turn. A user without a
 * definite answer repeats the request at the next service.
 */
export function startCrowd(
  clients: readonly (readonly ProtocolClient[])[],
  offers: readonly Offer[],
  { users = 60, maxAttempts = 300, backOffMs = 20, patienceMs = 10_000 }: CrowdOptions = {},
): Crowd {
  const wishes: Wish[] = [];
  const wait = { timeout: patienceMs, interval: 2 };
  const grantedAt = clients.map((): number[] => []);
  const sentAt = clients.map((): number[] => []);
  const refusals = clients.map(() => new Map<string, number>());
  const granted = () => grantedAt.reduce((sum, { length }) => sum + length, 0);
  let isOver = false;
  let isClosed = false;

  async function ask(wish: Wish, user: number): Promise<Outcome<Booking> | undefined> {
    wishes.push(wish);
    const { outcomes } = wish;
    while (outcomes.length < maxAttempts && !isClosed) {
      const service = (user + outcomes.length) % clients.length;
      const protocols = clients[service] ?? [];
      const sent = performance.now();
      const outcome = await attempt(protocols[Math.floor(user / clients.length) % protocols.length], wish);
      outcomes.push(outcome);
      if (outcome.ok) {
        grantedAt[service]?.push(performance.now());
        sentAt[service]?.push(sent);
        return outcome;
      }
      const reason = outcome.reason ?? "untyped";
      refusals[service]?.set(reason, (refusals[service]?.get(reason) ?? 0) + 1);
      if (!passingReasons.has(reason)) return outcome;
      await delay(backOffMs);
    }
    return undefined;
  }

  async function visit(user: number): Promise<void> {
    let brief: { readonly made: Booking; readonly turn: number } | undefined;
    for (let turn = user; !isOver && turn < user + maxWishesPerUser; turn++) {
      const offer = offers[turn % offers.length];
      if (!offer) throw new Error("there is nothing to book");
      const common = { concertId: offer.concertId, userId: `user-${user}`, ticketCount: (turn % 3) + 1 };
      const isHold = turn % 2 === 0;
      const isBrief = isHold && isBriefHold(offer, turn);
      const made = await ask({ ...common, isBrief, ...newWish(isHold ? "hold" : "book") }, user);
      const change = isHold ? changeOfHold(offer, turn) : changeOfBooking(offer, user);
      if (made?.ok && change) {
        const ticketCount = change === "confirm" && turn % 4 === 0 ? 1 : 0;
        await ask({ ...common, isBrief, ticketCount, ...newWish(change, made.message.id) }, user);
      }
      if (brief && turn >= brief.turn + turnsOfBriefHold) {
        const { concertId, id } = brief.made;
        await ask({ ...common, concertId, isBrief: true, ticketCount: 0, ...newWish("confirm", id) }, user);
        brief = undefined;
      }
      // Every other one is never confirmed, nor those of a concert whose bookings all return.
      if (made?.ok && isBrief && !change && turn % 24 === 6) brief = { made: made.message, turn };
    }
  }

  const visits = Promise.all(Array.from({ length: users }, (_, user) => visit(user)));
  visits.catch(() => {});
  return {
    wishes,
    grantedAt,
    sentAt,
    untilGranted: async (more) => {
      const before = granted();
      await vi.waitFor(() => expect(granted()).toBeGreaterThanOrEqual(before + more), wait);
    },
    untilRefused: async (reason, times) => {
      const before = refusals.map((each) => each.get(reason) ?? 0);
      await vi.waitFor(() => {
        const since = refusals.map((each, service) => (each.get(reason) ?? 0) - (before[service] ?? 0));
        expect(Math.min(...since), `${reason} by every service`).toBeGreaterThanOrEqual(times);
      }, wait);
    },
    goHome: async () => {
      isOver = true;
      const closing = setTimeout(() => {
        isClosed = true;
      }, closingMs);
      await visits.finally(() => clearTimeout(closing));
    },
  };
}

function changeOfBooking({ returnsAll }: Offer, user: number): Wish["kind"] | undefined {
  return returnsAll || user % 2 === 0 ? "cancel" : undefined;
}

/** Some holds are left to themselves: fewer of each user than the operator may allow. */
function changeOfHold(offer: Offer, turn: number): Wish["kind"] | undefined {
  if (turn % 5 === 1) return "release";
  if (isBriefHold(offer, turn)) return undefined;
  if (offer.returnsAll) return "release";
  return turn % 60 === 0 ? undefined : "confirm";
}

/** Few of a concert whose bookings all return, so that most of its tickets are available at most times. */
function isBriefHold({ returnsAll }: Offer, turn: number): boolean {
  return returnsAll ? turn % 60 === 20 : turn % 12 === 6;
}

function newWish(kind: Wish["kind"], bookingId?: bigint): Pick<Wish, "kind" | "requestId" | "bookingId" | "outcomes"> {
  return { kind, requestId: randomUUID(), bookingId, outcomes: [] };
}

async function attempt(client: ProtocolClient | undefined, wish: Wish): Promise<Outcome<Booking>> {
  try {
    if (!client) throw new Error("there is no client");
    return await send(client, wish);
  } catch (error) {
    // Such as a broken connection. No fault of these tests is between the users and the services.
    const nothing = { reason: undefined, metadata: {}, violations: [], retryDelayMs: undefined };
    return { ok: false, code: "no answer", message: String(error), ...nothing };
  }
}

function send(client: ProtocolClient, wish: Wish): Promise<Outcome<Booking>> {
  const { bookTickets, holdTickets, cancelBooking, confirmHold, releaseHold } = BookingService.method;
  const { kind, bookingId: id = 0n, concertId, userId, ticketCount, requestId, isBrief } = wish;
  const paymentReference = requestId;
  switch (kind) {
    case "book":
      return client.call(bookTickets, { concertId, userId, ticketCount, requestId });
    case "hold":
      return client.call(holdTickets, { concertId, userId, ticketCount, requestId, ...(isBrief && { ttl: briefTtl }) });
    case "cancel":
      return client.call(cancelBooking, { id, userId, requestId });
    case "confirm":
      return client.call(confirmHold, { id, userId, ticketCount, paymentReference, acceptLate: isBrief });
    case "release":
      return client.call(releaseHold, { id, userId });
  }
}
