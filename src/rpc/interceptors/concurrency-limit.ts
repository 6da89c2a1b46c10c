import type { Interceptor } from "@connectrpc/connect";
import { DomainError, retryDelayMs } from "../../domain/failure.ts";
import type { Publish } from "../../domain/publish.ts";
import { createConcurrencyLimit } from "../../limits/concurrency-limit.ts";
import type { RuleOf } from "../access.ts";
import { callerOf } from "../call-context.ts";
import type { RpcEvents } from "../events.ts";
import type { AnyRequest } from "../request-message.ts";
import type { LimitKeysOf } from "./limit-keys.ts";

/**
 * Bounds the unfinished changes of bookings of each caller, so that one with a thousand connections leaves room for others.
 * A caller that may settle the holds of other users is a shop, and has no such limit for settlements.
 */
export function createConcurrencyLimitInterceptor(
  ruleOf: RuleOf,
  limitKeysOf: LimitKeysOf,
  most: number,
  publish: Publish<RpcEvents>,
): Interceptor {
  const createLimit = () => createConcurrencyLimit({ process: Number.POSITIVE_INFINITY, caller: most, address: most });
  const limits = { bookings: createLimit(), settlements: createLimit() };
  const acquire = (request: AnyRequest, lane: keyof typeof limits) => {
    const permit = limits[lane].tryAcquire(limitKeysOf(request).slice(-1));
    if (typeof permit === "string") {
      publish("rpc.concurrency_limited", { of: lane, by: permit });
      const problem = `at most ${most} ${lane} of one caller can be unfinished: wait for an answer`;
      throw new DomainError({ reason: "RATE_LIMITED", problem, retryDelayMs });
    }
    return permit;
  };
  return (next) => {
    const callWithin = async (request: AnyRequest, lane: keyof typeof limits) => {
      const { release } = acquire(request, lane);
      try {
        return await next(request);
      } finally {
        release();
      }
    };
    // Not async: most calls need no permit, and each promise around a call costs.
    return (request) => {
      const { lane, scopeForOthers } = ruleOf(request.method);
      if (request.stream || (lane !== "bookings" && lane !== "settlements")) return next(request);
      const { subject, scopes } = callerOf(request.contextValues);
      const isShop = lane === "settlements" && subject !== undefined && scopes.has(scopeForOthers);
      return isShop ? next(request) : callWithin(request, lane);
    };
  };
}
