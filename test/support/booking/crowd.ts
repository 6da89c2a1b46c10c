/** Users that book and cancel, one request after the other, and record the outcomes. */
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { MessageShape } from "@bufbuild/protobuf";
import { expect, vi } from "vitest";
import type { BookingSchema } from "../../../gen/frontrow/v1/booking_pb.ts";
import { BookingService } from "../../../gen/frontrow/v1/booking_service_pb.ts";
import type { Outcome, ProtocolClient } from "../protocols/protocols.ts";

type Booking = MessageShape<typeof BookingSchema>;

/** A request with its own key, and the outcome of each attempt. */
export interface Wish {
  readonly kind: "book" | "cancel";
  readonly concertId: bigint;
  readonly userId: string;
  readonly ticketCount: number;
  readonly requestId: string;
  /** Of the booking to cancel. */
  readonly bookingId: bigint | undefined;
  readonly outcomes: Outcome<Booking>[];
}

/** A concert to book. */
interface Offer {
  readonly concertId: bigint;
  /** Whether all its bookings are cancelled, so that it never stays sold out; else every second user's are. */
  readonly returnsAll: boolean;
}

export interface Crowd {
  readonly wishes: readonly Wish[];
  /** Resolves once so many more requests have succeeded. */
  untilGranted(more: number): Promise<void>;
  /** Resolves once every service has rejected so many more requests for this reason. */
  untilRefused(reason: string, times: number): Promise<void>;
  /** Resolves when all users have the outcome of their last request, or have tried for too long. */
  goHome(): Promise<void>;
}

/** Reasons for which a client repeats a request with the same key. */
const passingReasons = new Set(["OVERLOADED", "DATABASE_UNAVAILABLE", "OUTCOME_UNKNOWN", "DEADLINE_EXCEEDED"]);
const maxAttempts = 300;
const backOffMs = 20;
const closingMs = 5_000;
const maxWishesPerUser = 5_000;
const wait = { timeout: 10_000, interval: 2 };

/**
 * Starts a crowd. `clients` has the clients of each service, whose protocols the users take in turn. A user without a
 * definite answer repeats the request at the next service.
 */
export function startCrowd(
  clients: readonly (readonly ProtocolClient[])[],
  offers: readonly Offer[],
  users = 60,
): Crowd {
  const wishes: Wish[] = [];
  const refusals = clients.map(() => new Map<string, number>());
  let granted = 0;
  let isOver = false;
  let isClosed = false;

  async function ask(wish: Wish, user: number): Promise<Outcome<Booking> | undefined> {
    wishes.push(wish);
    const { outcomes } = wish;
    while (outcomes.length < maxAttempts && !isClosed) {
      const service = (user + outcomes.length) % clients.length;
      const protocols = clients[service] ?? [];
      const outcome = await attempt(protocols[Math.floor(user / clients.length) % protocols.length], wish);
      outcomes.push(outcome);
      if (outcome.ok) {
        granted++;
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
    for (let turn = user; !isOver && turn < user + maxWishesPerUser; turn++) {
      const offer = offers[turn % offers.length];
      if (!offer) throw new Error("there is nothing to book");
      const common = { concertId: offer.concertId, userId: `user-${user}`, ticketCount: (turn % 3) + 1 };
      const booked = await ask({ ...common, ...newWish("book") }, user);
      if (!booked?.ok || !(offer.returnsAll || user % 2 === 0)) continue;
      await ask({ ...common, ...newWish("cancel", booked.message.id) }, user);
    }
  }

  const visits = Promise.all(Array.from({ length: users }, (_, user) => visit(user)));
  visits.catch(() => {});
  return {
    wishes,
    untilGranted: async (more) => {
      const before = granted;
      await vi.waitFor(() => expect(granted).toBeGreaterThanOrEqual(before + more), wait);
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

function newWish(kind: Wish["kind"], bookingId?: bigint): Pick<Wish, "kind" | "requestId" | "bookingId" | "outcomes"> {
  return { kind, requestId: randomUUID(), bookingId, outcomes: [] };
}

async function attempt(client: ProtocolClient | undefined, wish: Wish): Promise<Outcome<Booking>> {
  const { bookTickets, cancelBooking } = BookingService.method;
  const { kind, bookingId, concertId, userId, ticketCount, requestId } = wish;
  try {
    if (!client) throw new Error("there is no client");
    return kind === "book"
      ? await client.call(bookTickets, { concertId, userId, ticketCount, requestId })
      : await client.call(cancelBooking, { id: bookingId ?? 0n, userId, requestId });
  } catch (error) {
    // Such as a broken connection. No fault of these tests is between the users and the services.
    const nothing = { reason: undefined, metadata: {}, violations: [], retryDelayMs: undefined };
    return { ok: false, code: "no answer", message: String(error), ...nothing };
  }
}
