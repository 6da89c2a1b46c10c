import type { ContextValues, Interceptor, StreamRequest, UnaryRequest } from "@connectrpc/connect";
import { LRUCache } from "lru-cache";
import { addressGroup, isLoopback } from "../../domain/address.ts";
import type { Caller } from "../../domain/caller.ts";
import { DomainError, retryDelayMs } from "../../domain/failure.ts";
import type { LagMeter } from "../../limits/event-loop-delay.ts";
import type { FairShare } from "../../limits/fair-share.ts";
import type { Allowance, Counted, RateLimits } from "../../limits/rate-limit.ts";
import { Lane, type RuleOf } from "../access.ts";
import { callerOf } from "../caller.ts";
import { costOf } from "../cost.ts";
import { noteHeader } from "../response-headers.ts";
import { messageOf } from "../streams/only-message.ts";
import { deadlineFrom } from "./deadline.ts";

export interface ShareOptions {
  readonly ruleOf: RuleOf;
  readonly fairShare: FairShare;
  /** Whether callers are whoever they say they are. */
  readonly believesUsers: boolean;
}

/** The schema's 255 characters, which take up to two units each: a longer name is refused further in. */
const maxUserLength = 2 * 255;

/** A function that counts a call whose caller is known; it raises RATE_LIMITED. */
export function createCallCounter(
  ruleOf: RuleOf,
  rates: RateLimits,
  believesUsers: boolean,
): (request: UnaryRequest | StreamRequest) => Promise<void> {
  return async (request) => {
    const rule = ruleOf(request.method);
    const { budget, userKey } = rule;
    const cost = costOf(rule, { message: messageOf(request), header: request.header });
    let scarcest: Allowance | undefined;
    for (const each of whomToCount(callerOf(request.contextValues), userOf(request, userKey), believesUsers)) {
      const allowance = await rates.count(budget, each, cost);
      if (!allowance) continue;
      if (!allowance.isAllowed) {
        tell(allowance, request.contextValues);
        throw tooMany(allowance);
      }
      scarcest = scarcest ? scarcer(scarcest, allowance) : allowance;
    }
    if (scarcest) tell(scarcest, request.contextValues);
  };
}

/**
 * Refuses calls that could not be answered in time, before they cost anything. A stream, which may have no deadline, is
 * refused when a unary call of the longest duration would be.
 */
export function createOverloadInterceptor(ruleOf: RuleOf, lag: LagMeter, requestTimeoutMs: number): Interceptor {
  return (next) => async (request) => {
    // Organizers must be able to act when everything else is at a standstill.
    if (ruleOf(request.method).lane !== Lane.ADMIN) {
      const { expiresAtMs = Number.POSITIVE_INFINITY } = deadlineFrom(request.contextValues);
      refuseIfTooLate(Math.min(expiresAtMs, performance.now() + requestTimeoutMs), lag.lagMs());
    }
    return await next(request);
  };
}

/** Refuses callers who have more bookings and cancels unfinished than their share. */
export function createShareInterceptor({ ruleOf, fairShare, believesUsers }: ShareOptions): Interceptor {
  return (next) => async (request) => {
    if (request.stream) return await next(request);
    const { lane, userKey } = ruleOf(request.method);
    if (lane !== Lane.BOOKING) return await next(request);
    const sharer = whomToCount(callerOf(request.contextValues), userOf(request, userKey), believesUsers).at(-1);
    return await fairShare.hold(sharer?.key ?? "", () => next(request));
  };
}

/** A call has waited in line once to be read; a booking waits twice more, for the database's answers. */
const waitsInLine = 3;

function refuseIfTooLate(expiresAtMs: number, lagMs: number): void {
  if (lagMs === 0 || performance.now() + waitsInLine * lagMs < expiresAtMs) return;
  throw new DomainError({ reason: "OVERLOADED", retryDelayMs });
}

/** The user whom a request names, if any. */
export function userOf(request: UnaryRequest | StreamRequest, userKey: string | undefined): string {
  const user = userKey === undefined ? "" : (messageOf(request) as unknown as Record<string, unknown>)[userKey];
  return typeof user === "string" && user.length <= maxUserLength ? user : "";
}

/**
 * Whose budgets a call counts against. Whoever has shown a token is one caller; whoever has not is anybody at his address.
 * Where callers are believed, that is the user named. Then the address counts too, since anybody can call himself
 * anything, but not the machine's own: who tries the service out plays all of its users.
 */
export function whomToCount({ subject, address }: Caller, user: string, believesUsers: boolean): Counted[] {
  if (subject !== undefined) return [{ kind: "caller", key: `subject ${subject}` }];
  const { group, isLocal } = originOf(address);
  const ofAddress: Counted = { kind: "address", key: `address ${group}` };
  if (!believesUsers) return [ofAddress];
  const ofUser: Counted[] = user === "" ? [] : [{ kind: "caller", key: `user ${group} ${user}` }];
  return isLocal ? ofUser : [ofAddress, ...ofUser];
}

interface Origin {
  readonly group: string;
  readonly isLocal: boolean;
}

/** Most calls come from an address that has just called. */
const origins = new LRUCache<string, Origin>({ max: 1_000 });

function originOf(address: string): Origin {
  const known = origins.get(address);
  if (known) return known;
  const origin = { group: addressGroup(address), isLocal: isLoopback(address) };
  origins.set(address, origin);
  return origin;
}

/** The allowance that a caller who goes on runs into first; of two alike the one that keeps it waiting for longer. */
function scarcer(one: Allowance, other: Allowance): Allowance {
  return (one.remaining - other.remaining || other.resetMs - one.resetMs) <= 0 ? one : other;
}

function tell({ limit, remaining, resetMs }: Allowance, values: ContextValues): void {
  noteHeader(values, "ratelimit-limit", String(limit));
  noteHeader(values, "ratelimit-remaining", String(remaining));
  noteHeader(values, "ratelimit-reset", secondsOf(resetMs));
}

function tooMany({ limit, resetMs }: Allowance): DomainError {
  const problem = `at most ${limit} calls of this kind a minute; repeat in ${secondsOf(resetMs)} seconds`;
  return new DomainError({ reason: "RATE_LIMITED", problem, retryDelayMs: Math.max(1, Math.ceil(resetMs)) });
}

function secondsOf(durationMs: number): string {
  return String(Math.ceil(durationMs / 1_000));
}
