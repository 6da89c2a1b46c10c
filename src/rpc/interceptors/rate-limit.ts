import type { ContextValues, Interceptor } from "@connectrpc/connect";
import { DomainError } from "../../domain/failure.ts";
import type { Allowance, RateLimits } from "../../limits/rate-limit.ts";
import type { AccessRule, RuleOf } from "../access.ts";
import { setResponseHeader } from "../call-context.ts";
import { soughtText } from "../convert.ts";
import { wantsFresh } from "../request-headers.ts";
import { type Message, messageOf, textOf } from "../request-message.ts";
import type { LimitKeysOf } from "./limit-keys.ts";

/** Counts each call against its caller's limits. Raises RATE_LIMITED. The response says what is left. */
export function createRateLimitInterceptor(ruleOf: RuleOf, rates: RateLimits, limitKeysOf: LimitKeysOf): Interceptor {
  return (next) => async (request) => {
    const { contextValues: values, header } = request;
    const rule = ruleOf(request.method);
    const cost = costOf(rule, { message: messageOf(request), header });
    const allowance = await rates.count(rule.lane, limitKeysOf(request), cost);
    requireAllowed(allowance, values);
    return await next(request);
  };
}

/** Says in the response what is left, and raises RATE_LIMITED if that is too little. */
export function requireAllowed(allowance: Allowance | undefined, values: ContextValues): void {
  if (allowance) setRateLimitHeaders(allowance, values);
  if (allowance?.isAllowed === false) throw tooMany(allowance);
}

/** A search reads up to 4,000 concerts, a plain read one page of them. */
const searchCost = 10;
/** A read that the cache may not answer takes a connection of the database each time. */
const freshFactor = 2;

/** How many plain calls a call counts as; 1 for most. */
export function costOf(
  { lane, searchFields, isPrivate }: Pick<AccessRule, "lane" | "searchFields" | "isPrivate">,
  { message, header }: { readonly message: Message; readonly header: Headers },
): number {
  if (lane !== "reads") return 1;
  const base = searchFields.some((field) => soughtText(textOf(message, field)) !== undefined) ? searchCost : 1;
  // Private data is never cached.
  return !isPrivate && wantsFresh(header) ? base * freshFactor : base;
}

function setRateLimitHeaders({ limit, remaining, resetMs }: Allowance, values: ContextValues): void {
  setResponseHeader(values, "ratelimit-limit", String(limit));
  setResponseHeader(values, "ratelimit-remaining", String(remaining));
  setResponseHeader(values, "ratelimit-reset", secondsOf(resetMs));
}

function tooMany({ limit, resetMs }: Allowance): DomainError {
  const problem = `at most ${limit} calls of this kind a minute; repeat in ${secondsOf(resetMs)} seconds`;
  return new DomainError({ reason: "RATE_LIMITED", problem, retryDelayMs: Math.max(1, Math.ceil(resetMs)) });
}

function secondsOf(durationMs: number): string {
  return String(Math.ceil(durationMs / 1_000));
}
