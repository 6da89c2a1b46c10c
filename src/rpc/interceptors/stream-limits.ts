import type { Interceptor, StreamRequest } from "@connectrpc/connect";
import { tokenExpired } from "../../auth/tokens.ts";
import { DomainError, retryDelayMs } from "../../domain/failure.ts";
import type { Publish } from "../../domain/publish.ts";
import { type ConcurrencyLimits, createConcurrencyLimit } from "../../limits/concurrency-limit.ts";
import { callerOf } from "../call-context.ts";
import type { RpcEvents } from "../events.ts";
import type { LimitKeysOf } from "./limit-keys.ts";
import { streamError, streamOf } from "./server-streams.ts";

export interface StreamLimitOptions {
  readonly limitKeysOf: LimitKeysOf;
  /** Streams that are open at the same time. */
  readonly limits: ConcurrencyLimits;
  /** After about this duration a stream ends with STREAM_EXPIRED. */
  readonly longestMs: number;
  readonly publish: Publish<RpcEvents>;
}

/** Streams that were opened at the same time must not all end at the same time: each ends up to this part earlier. */
const jitter = 0.1;

/**
 * Bounds the open streams of each caller and of the process, before a call is authorized. Ends a stream at its longest
 * duration, and when the caller's token expires.
 */
export function createStreamLimitInterceptor(options: StreamLimitOptions): Interceptor {
  const { limitKeysOf, limits, longestMs, publish } = options;
  const openStreams = createConcurrencyLimit(limits);
  const limit = (request: StreamRequest) => {
    const stream = streamOf(request.contextValues);
    const permit = openStreams.tryAcquire(limitKeysOf(request));
    if (typeof permit === "string") {
      publish("rpc.concurrency_limited", { of: "streams", by: permit });
      if (permit === "process") throw new DomainError({ reason: "OVERLOADED", retryDelayMs });
      const problem = `at most ${limits[permit]} streams of one ${permit} can be open: close one first`;
      throw new DomainError({ reason: "RATE_LIMITED", problem, retryDelayMs });
    }
    stream.onRelease(permit.release);
    stream.endAfter(longestMs * (1 - jitter * Math.random()), streamError({ reason: "STREAM_EXPIRED", retryDelayMs }));
    const { expiresAtMs } = callerOf(request.contextValues);
    if (expiresAtMs === undefined) return;
    const expired = streamError({ reason: "UNAUTHENTICATED", problem: tokenExpired });
    stream.endAfter(expiresAtMs - Date.now(), expired);
  };
  return (next) => (request) => {
    if (request.stream) limit(request);
    return next(request);
  };
}
