import type { ContextValues, Interceptor, UnaryRequest } from "@connectrpc/connect";
import { LRUCache } from "lru-cache";
import { addressGroup, isLoopback } from "../../domain/address.ts";
import type { Caller } from "../../domain/caller.ts";
import { DomainError } from "../../domain/errors.ts";
import type { FairShare } from "../../limits/fair-share.ts";
import type { LagMeter } from "../../limits/lag.ts";
import type { Allowance, Counted, RateLimits } from "../../limits/rates.ts";
import { type AccessRule, Lane } from "../access.ts";
import { noteHeader } from "../answer-headers.ts";
import { callerOf } from "../caller.ts";
import { deadlineFrom } from "./deadline.ts";

type RuleOf = (method: UnaryRequest["method"]) => AccessRule;

export interface LimitOptions {
  readonly ruleOf: RuleOf;
  readonly lag: LagMeter;
  readonly fairShare: FairShare;
}

const retryDelayMs = 1_000;
/** As the schema has it: a longer name is none, and is refused further in. */
const maxUserLength = 255;

/** A function that counts a call whose caller is known; it raises RATE_LIMITED. */
export function createCallCounter(ruleOf: RuleOf, rates: RateLimits): (request: UnaryRequest) => Promise<void> {
  return async (request) => {
    const { budget, userKey } = ruleOf(request.method);
    for (const each of whomToCount(callerOf(request.contextValues), userOf(request, userKey))) {
      spend(await rates.count(budget, each), request.contextValues);
    }
  };
}

/** Refuses calls that could not be answered in time, and callers who have more unfinished than their share. */
export function createLimitInterceptor({ ruleOf, lag, fairShare }: LimitOptions): Interceptor {
  return (next) => async (request) => {
    if (request.stream) return await next(request);
    const { contextValues } = request;
    const { lane, userKey } = ruleOf(request.method);
    // Organizers must be able to act when everything else is at a standstill.
    if (lane !== Lane.ADMIN) refuseIfTooLate(deadlineFrom(contextValues).expiresAtMs, lag.lagMs());
    if (lane !== Lane.BOOKING) return await next(request);
    const sharer = whomToCount(callerOf(contextValues), userOf(request, userKey)).at(-1);
    return await fairShare.hold(sharer?.key ?? "", () => next(request));
  };
}

/** A call has waited once to be read, and its answer waits once more to be written. */
function refuseIfTooLate(expiresAtMs: number | undefined, lagMs: number): void {
  if (expiresAtMs === undefined || lagMs === 0 || performance.now() + 2 * lagMs < expiresAtMs) return;
  throw new DomainError({ reason: "OVERLOADED", retryDelayMs });
}

/** The user whom a request names, if any. */
function userOf({ message }: UnaryRequest, userKey: string | undefined): string {
  const user = userKey === undefined ? "" : (message as unknown as Record<string, unknown>)[userKey];
  return typeof user === "string" && user.length <= maxUserLength ? user : "";
}

/**
 * Whose budgets a call counts against, the widest first. Whoever has shown a token is one caller. Else anybody can call
 * himself anything, so that the address counts as well; not the machine's own, which says nothing of who calls.
 */
function whomToCount({ subject, address }: Caller, user: string): Counted[] {
  if (subject !== undefined) return [{ kind: "caller", key: `subject ${subject}` }];
  const { group, isLocal } = originOf(address);
  const counted: Counted[] = isLocal ? [] : [{ kind: "address", key: `address ${group}` }];
  if (user !== "") counted.push({ kind: "caller", key: `user ${group} ${user}` });
  return counted;
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

function spend(allowance: Allowance | undefined, values: ContextValues): void {
  if (!allowance) return;
  const { isAllowed, limit, remaining, resetMs } = allowance;
  const resetSeconds = String(Math.ceil(resetMs / 1_000));
  noteHeader(values, "ratelimit-limit", String(limit));
  noteHeader(values, "ratelimit-remaining", String(remaining));
  noteHeader(values, "ratelimit-reset", resetSeconds);
  if (isAllowed) return;
  const problem = `at most ${limit} calls of this kind a minute; repeat in ${resetSeconds} seconds`;
  throw new DomainError({ reason: "RATE_LIMITED", problem, retryDelayMs: Math.max(1, Math.ceil(resetMs)) });
}
