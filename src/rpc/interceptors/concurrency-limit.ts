import type { Interceptor } from "@connectrpc/connect";
import { DomainError, retryDelayMs } from "../../domain/failure.ts";
import type { Publish } from "../../domain/publish.ts";
import { createConcurrencyLimit } from "../../limits/concurrency-limit.ts";
import type { RuleOf } from "../access.ts";
import type { RpcEvents } from "../events.ts";
import type { AnyRequest } from "../request-message.ts";
import type { LimitKeysOf } from "./limit-keys.ts";

/** Bounds the unfinished calls of each caller that change bookings, so that one with a thousand connections leaves room for others. */
export function createConcurrencyLimitInterceptor(
  ruleOf: RuleOf,
  limitKeysOf: LimitKeysOf,
  most: number,
  publish: Publish<RpcEvents>,
): Interceptor {
  const limit = createConcurrencyLimit({ process: Number.POSITIVE_INFINITY, caller: most, address: most });
  const acquire = (request: AnyRequest) => {
    const permit = limit.tryAcquire(limitKeysOf(request).slice(-1));
    if (typeof permit === "string") {
      publish("rpc.concurrency_limited", { of: "bookings", by: permit });
      const problem = `at most ${most} bookings, holds and cancels of one caller can be unfinished: wait for a response`;
      throw new DomainError({ reason: "RATE_LIMITED", problem, retryDelayMs });
    }
    return permit;
  };
  return (next) => {
    const callWithin = async (request: AnyRequest) => {
      const { release } = acquire(request);
      try {
        return await next(request);
      } finally {
        release();
      }
    };
    // Not async: most calls need no permit, and each promise around a call costs.
    return (request) =>
      request.stream || ruleOf(request.method).lane !== "bookings" ? next(request) : callWithin(request);
  };
}
