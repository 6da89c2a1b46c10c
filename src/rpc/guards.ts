/** What every call passes before its handler: the interceptors in their order, with the resources that they need. */
import type { DescService } from "@bufbuild/protobuf";
import type { Interceptor } from "@connectrpc/connect";
import type { AuthEvents } from "../auth/events.ts";
import { openTokenVerifier } from "../auth/index.ts";
import type { TokenVerifier } from "../auth/tokens.ts";
import type { Publish } from "../domain/publish.ts";
import type { ConcurrencyLimits } from "../limits/concurrency-limit.ts";
import { type EventLoopDelay, measureEventLoopDelay } from "../limits/event-loop-delay.ts";
import type { LimitEvents } from "../limits/events.ts";
import { createRateLimits, type RateLimits } from "../limits/rate-limit.ts";
import { connectRedis } from "../limits/redis.ts";
import { readAccessRules } from "./access.ts";
import type { RpcEvents } from "./events.ts";
import { createAuthorizationInterceptor } from "./interceptors/authorization.ts";
import { createCacheControlInterceptor } from "./interceptors/cache-control.ts";
import { createConcurrencyLimitInterceptor } from "./interceptors/concurrency-limit.ts";
import { fillRequestId } from "./interceptors/idempotency-key.ts";
import { createIdentityInterceptor, rejectInvalidToken } from "./interceptors/identity.ts";
import { createLimitKeys } from "./interceptors/limit-keys.ts";
import { createOverloadInterceptor } from "./interceptors/overload.ts";
import { createRateLimitInterceptor } from "./interceptors/rate-limit.ts";
import { createServerStreamInterceptor, createStreamLimitInterceptor } from "./interceptors/server-streams.ts";
import { createUnaryCallInterceptor } from "./interceptors/unary-calls.ts";
import { createValidationInterceptor } from "./interceptors/validation.ts";

/** The part of the configuration that the interceptors follow. */
export interface GuardSettings {
  readonly auth: Parameters<typeof openTokenVerifier>[0];
  readonly dataDir: string;
  readonly redisUrl: string | undefined;
  readonly requestTimeoutMs: number;
  readonly rateLimits: Parameters<typeof createRateLimits>[0];
  readonly maxUnfinishedPerCaller: number;
  readonly maxStreams: number;
  readonly maxStreamsPerCaller: number;
}

export interface GuardOptions {
  readonly services: readonly DescService[];
  readonly publish: Publish<AuthEvents & LimitEvents & RpcEvents>;
  /** Aborts when streams must end because the service is about to stop. */
  readonly draining: AbortSignal;
  /** Owns what is opened. */
  readonly stack: AsyncDisposableStack;
  /** Where a test sets them. */
  readonly streams?: Pick<StreamOptions, "longestMs" | "maxUnsentBytes">;
}

/** Opens the interceptors for these services. Rejects with a TokenKeyError if the configured key cannot be used. */
export async function openGuards(settings: GuardSettings, options: GuardOptions): Promise<Interceptor[]> {
  const { services, publish, draining, stack, streams } = options;
  const { redisUrl, requestTimeoutMs, maxUnfinishedPerCaller } = settings;
  const tokens = await openTokenVerifier(settings.auth, settings.dataDir, publish);
  const redis =
    redisUrl === undefined ? undefined : stack.adopt(connectRedis(redisUrl, publish), (it) => it.disconnect());
  return createInterceptors(services, {
    ...{ publish, requestTimeoutMs, tokens, maxUnfinishedPerCaller },
    rates: createRateLimits(settings.rateLimits, redis, publish),
    eventLoopDelay: stack.use(measureEventLoopDelay()),
    streams: { draining, limits: streamLimits(settings), ...streams },
  });
}

/** As with the rate limits, an address gets the streams of several callers. */
function streamLimits({ maxStreams, maxStreamsPerCaller, rateLimits }: GuardSettings): ConcurrencyLimits {
  const callers = rateLimits.callersPerAddress === 0 ? Number.POSITIVE_INFINITY : rateLimits.callersPerAddress;
  return { process: maxStreams, caller: maxStreamsPerCaller, address: maxStreamsPerCaller * callers };
}

export interface InterceptorOptions {
  readonly publish: Publish<RpcEvents>;
  readonly requestTimeoutMs: number;
  /** Undefined if callers send no tokens, so that the service takes the user from the request. */
  readonly tokens: TokenVerifier | undefined;
  readonly rates: RateLimits;
  readonly eventLoopDelay: Pick<EventLoopDelay, "currentMs">;
  /** Bookings and cancels of one caller that are unfinished at the same time. */
  readonly maxUnfinishedPerCaller: number;
  readonly streams: StreamOptions;
}

/** How the calls whose responses are streams are limited. */
export interface StreamOptions {
  readonly draining: AbortSignal;
  /** Streams that are open at the same time. */
  readonly limits: ConcurrencyLimits;
  /** The longest duration of a stream. A client that opens it again may reach another instance. */
  readonly longestMs?: number | undefined;
  /** Unsent bytes of messages, of all streams together. */
  readonly maxUnsentBytes?: number | undefined;
}

const longestStreamMs = 30 * 60_000;
const maxUnsentStreamBytes = 16 * 1024 * 1024;

/** The interceptors of every call, whatever its protocol, the outermost first. */
export function createInterceptors(services: readonly DescService[], options: InterceptorOptions): Interceptor[] {
  const { publish, requestTimeoutMs, tokens, rates, eventLoopDelay, maxUnfinishedPerCaller, streams } = options;
  const { draining, limits, longestMs = longestStreamMs, maxUnsentBytes = maxUnsentStreamBytes } = streams;
  const ruleOf = readAccessRules(services);
  const believesUsers = tokens === undefined;
  const limitKeysOf = createLimitKeys(ruleOf, believesUsers);
  return [
    createServerStreamInterceptor(publish, draining, maxUnsentBytes),
    // Outside of the errors, whose codes depend on whether a call has a key.
    fillRequestId,
    createCacheControlInterceptor(ruleOf),
    createUnaryCallInterceptor(publish, requestTimeoutMs),
    createOverloadInterceptor(ruleOf, eventLoopDelay, requestTimeoutMs, publish),
    createIdentityInterceptor(tokens),
    // Before anything is rejected for its caller, because rejected calls count too.
    createRateLimitInterceptor(ruleOf, rates, limitKeysOf),
    rejectInvalidToken,
    createStreamLimitInterceptor(limitKeysOf, limits, longestMs, publish),
    createConcurrencyLimitInterceptor(ruleOf, limitKeysOf, maxUnfinishedPerCaller, publish),
    createAuthorizationInterceptor(ruleOf, believesUsers),
    createValidationInterceptor(services),
  ];
}
