import type { Interceptor } from "@connectrpc/connect";
import { DomainError, retryDelayMs } from "../../domain/failure.ts";
import type { Publish } from "../../domain/publish.ts";
import { createConcurrencyLimit } from "../../limits/concurrency-limit.ts";
import type { RuleOf } from "../access.ts";
import { callerOf } from "../call-context.ts";
import type { RpcEvents } from "../events.ts";
import type { AnyRequest } from "../request-message.ts";
import type { LimitKeysOf } from "./limit-keys.ts";

const changes = { bookings: "bookings, holds and cancels", settlements: "confirmations and releases" } as const;

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
  const acquire = (request: AnyRequest, lane: keyof typeof changes) => {
    const permit = limits[lane].tryAcquire(limitKeysOf(request).slice(-1));
    if (typeof permit === "string") {
      publish("rpc.concurrency_limited", { of: lane, by: permit });
      const problem = `at most ${most} ${changes[lane]} of one caller can be unfinished: wait for a response`;
      throw new DomainError({ reason: "RATE_LIMITED", problem, retryDelayMs });
    }
    return permit;
  };
  return (next) => {
    const callWithin = async (request: AnyRequest, lane: keyof typeof changes) => {
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
