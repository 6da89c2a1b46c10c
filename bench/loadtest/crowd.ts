/** Users who all want tickets of one concert. */
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { durationMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema, RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { type Clients, createClients, usersAConnection } from "./clients.ts";
import type { LoadTestOptions } from "./options.ts";

/** What the service answered, as it comes in. */
export interface Tally {
  /** The ids of confirmed bookings, one for each confirmed request. */
  readonly confirmed: bigint[];
  /** How many requests were refused, by reason. */
  readonly refused: Map<string, number>;
  /** How many attempts failed and were repeated, by reason. */
  readonly repeated: Map<string, number>;
  /** Requests whose outcome is unknown: the last response was lost, or never came. */
  unanswered: number;
  /** Of each answered request, from its first attempt to its answer. */
  readonly latenciesMs: number[];
}

/** How an attempt failed. */
interface Failure {
  readonly reason: string;
  /** How long to wait before another attempt; undefined if it would fail as well. */
  readonly retryDelayMs: number | undefined;
  /** Whether the booking may have been stored. */
  readonly mayBeStored: boolean;
}

/** Where the service names no delay, as when the connection is lost. */
const usualRetryDelayMs = 500;
/** Reasons that leave open whether the booking is stored. */
const openReasons: readonly string[] = ["OUTCOME_UNKNOWN", "DEADLINE_EXCEEDED", "SHUTTING_DOWN", "INTERNAL"];
/** The service looks for a booking with the key before it refuses for this reason, so nothing is stored. */
const decidedReason = "INSUFFICIENT_TICKETS";

/** An empty tally. */
export function createTally(): Tally {
  return { confirmed: [], refused: new Map(), repeated: new Map(), unanswered: 0, latenciesMs: [] };
}

/** What ends a rush early. */
interface Ends {
  /** Gives up the requests that have been sent; by default when the options' time limit has passed. */
  readonly limit?: AbortSignal;
  /** Lets the requests that have been sent be answered. */
  readonly stopping?: AbortSignal;
}

/**
 * Lets every user send requests one after the other, and counts the answers into the tally. Resolves when all are done or
 * ended early.
 */
export async function rush(
  options: LoadTestOptions,
  concertId: bigint,
  tally: Tally,
  { limit = AbortSignal.timeout(options.timeLimitMs), stopping = new AbortController().signal }: Ends = {},
): Promise<void> {
  const { users, requestsPerUser, pauseMs } = options;
  const ending = AbortSignal.any([limit, stopping]);
  const connections = Array.from({ length: Math.ceil(users / usersAConnection) }, () => createClients(options));
  const act = async (user: number) => {
    const connection = connections[Math.floor(user / usersAConnection)];
    if (connection === undefined) return;
    const wanted = { concertId, userId: `load-test-${user + 1}`, ticketCount: 1 };
    for (let request = 0; request < requestsPerUser && !ending.aborted; request++) {
      // With jitter, from the first request on: users that start together would stay together.
      if (pauseMs > 0) await delay(pauseMs * 2 * Math.random(), undefined, { signal: ending }).catch(() => {});
      if (!ending.aborted) await bookOnce(connection.bookings, wanted, tally, { ...options, limit });
    }
  };
  await Promise.all(Array.from({ length: users }, (_, user) => act(user)));
}

/** Books. A failed attempt is repeated with the same key, so that it cannot book twice. */
async function bookOnce(
  bookings: Clients["bookings"],
  booking: { readonly concertId: bigint; readonly userId: string; readonly ticketCount: number },
  tally: Tally,
  { maxAttempts, limit: signal }: { readonly maxAttempts: number; readonly limit: AbortSignal },
): Promise<void> {
  const wanted = { ...booking, requestId: randomUUID() };
  const startedAtMs = performance.now();
  let mayBeStored = false;
  for (let attempts = 1; ; attempts++) {
    try {
      tally.confirmed.push((await bookings.bookTickets(wanted, { signal })).id);
      tally.latenciesMs.push(performance.now() - startedAtMs);
      return;
    } catch (error) {
      const failure = describeFailure(error);
      mayBeStored = failure.mayBeStored || (mayBeStored && failure.reason !== decidedReason);
      if (attempts < maxAttempts && (await canRepeat(failure, signal))) {
        increment(tally.repeated, failure.reason);
        continue;
      }
      if (mayBeStored) tally.unanswered++;
      else {
        increment(tally.refused, failure.reason);
        tally.latenciesMs.push(performance.now() - startedAtMs);
      }
      return;
    }
  }
}

/** Waits for the delay of a failure. Resolves with whether another attempt makes sense and the time limit allows it. */
async function canRepeat({ retryDelayMs }: Failure, signal: AbortSignal): Promise<boolean> {
  if (retryDelayMs === undefined) return false;
  // With jitter, so that users who were refused together do not come back together.
  await delay(retryDelayMs * (1 + Math.random()), undefined, { signal }).catch(() => {});
  return !signal.aborted;
}

function increment(counts: Map<string, number>, reason: string): void {
  counts.set(reason, (counts.get(reason) ?? 0) + 1);
}

function describeFailure(cause: unknown): Failure {
  const error = ConnectError.from(cause);
  const [info] = error.findDetails(ErrorInfoSchema);
  const [retry] = error.findDetails(RetryInfoSchema);
  const retryDelayMs = retry?.retryDelay && durationMs(retry.retryDelay);
  if (info && !openReasons.includes(info.reason)) return { reason: info.reason, retryDelayMs, mayBeStored: false };
  return {
    reason: info?.reason ?? Code[error.code],
    retryDelayMs: retryDelayMs ?? usualRetryDelayMs,
    mayBeStored: true,
  };
}
