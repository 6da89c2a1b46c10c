import type { Interceptor } from "@connectrpc/connect";
import { DomainError, retryDelayMs } from "../../domain/failure.ts";
import type { Publish } from "../../domain/publish.ts";
import { createConcurrencyLimit } from "../../limits/concurrency-limit.ts";
import type { AccessRule, RuleOf } from "../access.ts";
import type { RpcEvents } from "../events.ts";
import type { AnyRequest } from "../request-message.ts";
import { limitKeysOf } from "./limit-keys.ts";

export interface ConcurrencyOptions {
  readonly ruleOf: RuleOf;
  /** Whether callers send no tokens, so that each is the user that the request names. */
  readonly believesUsers: boolean;
  /** Bookings and cancels of one caller that are unfinished at the same time. */
  readonly maxUnfinishedPerCaller: number;
  readonly publish: Publish<RpcEvents>;
}

/** Bounds the unfinished bookings and cancels of each caller, so that one with a thousand connections leaves room for others. */
export function createConcurrencyInterceptor(options: ConcurrencyOptions): Interceptor {
  const { ruleOf, believesUsers, maxUnfinishedPerCaller: most, publish } = options;
  const limit = createConcurrencyLimit({ process: Number.POSITIVE_INFINITY, caller: most, address: most });
  const acquire = (request: AnyRequest, rule: AccessRule) => {
    // The last key is the most specific one.
    const permit = limit.tryAcquire(limitKeysOf(request, rule, believesUsers).slice(-1));
    if (typeof permit === "string") {
      publish("rpc.concurrency_limited", { of: "bookings", by: permit });
      const problem = `at most ${most} bookings and cancels of one caller can be unfinished: wait for an answer`;
      throw new DomainError({ reason: "RATE_LIMITED", problem, retryDelayMs });
    }
    return permit;
  };
  return (next) => {
    const callWithin = async (request: AnyRequest, rule: AccessRule) => {
      const { release } = acquire(request, rule);
      try {
        return await next(request);
      } finally {
        release();
      }
    };
    // Not async: most calls need no permit, and each promise around a call costs.
    return (request) => {
      const rule = ruleOf(request.method);
      return request.stream || rule.lane !== "bookings" ? next(request) : callWithin(request, rule);
    };
  };
}
