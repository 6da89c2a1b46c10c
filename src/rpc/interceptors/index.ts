import type { DescService } from "@bufbuild/protobuf";
import type { Interceptor } from "@connectrpc/connect";
import type { TokenVerifier } from "../../auth/tokens.ts";
import type { Publish } from "../../domain/publish.ts";
import type { EventLoopDelay } from "../../limits/event-loop-delay.ts";
import type { RateLimits } from "../../limits/rate-limit.ts";
import type { RuleOf } from "../access.ts";
import type { RpcEvents } from "../events.ts";
import { createAuthorizationInterceptor } from "./authorization.ts";
import { createCacheControlInterceptor } from "./cache-control.ts";
import { createCallEventInterceptor } from "./call-events.ts";
import { createConcurrencyLimitInterceptor } from "./concurrency-limit.ts";
import { createDeadlineInterceptor } from "./deadline.ts";
import { createErrorInterceptor } from "./errors.ts";
import { fillRequestId } from "./idempotency-key.ts";
import { createIdentityInterceptor, rejectInvalidToken } from "./identity.ts";
import { createLimitKeys } from "./limit-keys.ts";
import { createOverloadInterceptor } from "./overload.ts";
import { createRateLimitInterceptor } from "./rate-limit.ts";
import { createServerStreamInterceptor } from "./server-streams.ts";
import { createStreamLimitInterceptor, type StreamLimitOptions } from "./stream-limits.ts";
import { createValidationInterceptor } from "./validation.ts";

export interface InterceptorOptions {
  readonly ruleOf: RuleOf;
  readonly publish: Publish<RpcEvents>;
  readonly requestTimeoutMs: number;
  /** Undefined if callers send no tokens, so that the service takes the user from the request. */
  readonly tokens: TokenVerifier | undefined;
  readonly rates: RateLimits;
  readonly eventLoopDelay: EventLoopDelay;
  /** Bookings and cancels of one caller that are unfinished at the same time. */
  readonly maxUnfinishedPerCaller: number;
  readonly streams: StreamOptions;
}

/** How the calls whose responses are streams are limited. */
export interface StreamOptions extends Pick<StreamLimitOptions, "limits"> {
  /** Aborts when streams must end because the service is about to stop. */
  readonly draining: AbortSignal;
  /** The longest duration of a stream. A client that opens it again may reach another instance. */
  readonly longestMs?: number | undefined;
  /** Unsent bytes of messages, of all streams together. */
  readonly maxUnsentBytes?: number | undefined;
}

const longestStreamMs = 30 * 60_000;
const maxUnsentStreamBytes = 16 * 1024 * 1024;

/** What every call passes, whatever its protocol, the outermost interceptor first. */
export function createInterceptors(services: readonly DescService[], options: InterceptorOptions): Interceptor[] {
  const { ruleOf, publish, requestTimeoutMs, tokens, rates, eventLoopDelay, maxUnfinishedPerCaller, streams } = options;
  const { draining, limits, longestMs = longestStreamMs, maxUnsentBytes = maxUnsentStreamBytes } = streams;
  const believesUsers = tokens === undefined;
  const limitKeysOf = createLimitKeys(ruleOf, believesUsers);
  return [
    createServerStreamInterceptor({ publish, draining, maxUnsentBytes }),
    createCallEventInterceptor(publish),
    // Outside of the errors, whose codes depend on whether a call has a key.
    fillRequestId,
    createErrorInterceptor(publish),
    createCacheControlInterceptor(ruleOf),
    createDeadlineInterceptor(requestTimeoutMs),
    createOverloadInterceptor({ ruleOf, eventLoopDelay, requestTimeoutMs, publish }),
    createIdentityInterceptor(tokens),
    // Before anything is rejected for its caller, because rejected calls count too.
    createRateLimitInterceptor({ ruleOf, rates, limitKeysOf }),
    rejectInvalidToken,
    createStreamLimitInterceptor({ limitKeysOf, limits, longestMs, publish }),
    createConcurrencyLimitInterceptor({ ruleOf, limitKeysOf, maxUnfinishedPerCaller, publish }),
    createAuthorizationInterceptor({ ruleOf, believesUsers }),
    createValidationInterceptor(services),
  ];
}
