/** Users who all want tickets of one concert. */
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { durationMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema, RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { type Clients, createClients, usersAConnection } from "./clients.ts";
import type { LoadTestOptions } from "./options.ts";

/** What the users were told, as it comes in. */
export interface Tally {
  /** The ids of confirmed bookings, one for each confirmed request. */
  readonly confirmed: bigint[];
  /** How many requests were refused, by reason. */
  readonly refused: Map<string, number>;
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

const maxAttempts = 10;
const callTimeoutMs = 30_000;
/** Where the service names no delay, as when the connection is lost. */
const usualRetryDelayMs = 500;
/** Reasons that leave open whether the booking is stored. */
const openReasons: readonly string[] = ["OUTCOME_UNKNOWN", "DEADLINE_EXCEEDED", "SHUTTING_DOWN", "INTERNAL"];

/** An empty tally. */
export function createTally(): Tally {
  return { confirmed: [], refused: new Map(), unanswered: 0, latenciesMs: [] };
}

/**
 * Lets every user send requests one after the other, and counts the answers into the tally. Resolves when all are done, or
 * when `stopping` is aborted and those that have been sent are answered.
 */
export async function rush(
  options: LoadTestOptions,
  concertId: bigint,
  tally: Tally,
  stopping = new AbortController().signal,
): Promise<void> {
  const { users, requestsPerUser, timeLimitMs, pauseMs } = options;
  const signal = AbortSignal.timeout(timeLimitMs);
  const connections = Array.from({ length: Math.ceil(users / usersAConnection) }, () => createClients(options));
  const act = async (user: number) => {
    const connection = connections[Math.floor(user / usersAConnection)];
    if (connection === undefined) return;
    for (let request = 0; request < requestsPerUser && !stopping.aborted; request++) {
      // With jitter, from the first request on: users that start together would stay together.
      if (pauseMs > 0) await delay(pauseMs * 2 * Math.random(), undefined, { signal: stopping }).catch(() => {});
      if (!stopping.aborted) await bookOnce(connection.bookings, concertId, `load-test-${user + 1}`, tally, signal);
    }
  };
  await Promise.all(Array.from({ length: users }, (_, user) => act(user)));
}

/** Books one ticket. A failed attempt is repeated with the same key, so that it cannot book twice. */
async function bookOnce(
  bookings: Clients["bookings"],
  concertId: bigint,
  userId: string,
  tally: Tally,
  signal: AbortSignal,
): Promise<void> {
  const wanted = { requestId: randomUUID(), concertId, userId, ticketCount: 1 };
  const startedAtMs = performance.now();
  let mayBeStored = false;
  for (let attempts = 1; ; attempts++) {
    try {
      tally.confirmed.push((await bookings.bookTickets(wanted, { timeoutMs: callTimeoutMs, signal })).id);
      tally.latenciesMs.push(performance.now() - startedAtMs);
      return;
    } catch (error) {
      const failure = describeFailure(error);
      // A refusal that is no invitation to repeat was decided with the key, so it also says that nothing is stored.
      mayBeStored = failure.mayBeStored || (mayBeStored && failure.retryDelayMs !== undefined);
      if (failure.retryDelayMs === undefined || attempts === maxAttempts || signal.aborted) {
        if (mayBeStored) tally.unanswered++;
        else noteRefusal(tally, failure.reason, performance.now() - startedAtMs);
        return;
      }
      // With jitter, so that users who were refused together do not come back together.
      await delay(failure.retryDelayMs * (1 + Math.random()), undefined, { signal }).catch(() => {});
    }
  }
}

function noteRefusal({ refused, latenciesMs }: Tally, reason: string, latencyMs: number): void {
  refused.set(reason, (refused.get(reason) ?? 0) + 1);
  latenciesMs.push(latencyMs);
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
