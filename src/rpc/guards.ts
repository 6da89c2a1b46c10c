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
import { type Admit, createAdmission } from "./admission.ts";
import type { BeginTrace, RpcEvents } from "./events.ts";
import { createAuthorizationInterceptor } from "./interceptors/authorization.ts";
import { createCacheControlInterceptor } from "./interceptors/cache-control.ts";
import { noteUserField } from "./interceptors/call-user.ts";
import { createConcurrencyLimitInterceptor } from "./interceptors/concurrency-limit.ts";
import { fillRequestId } from "./interceptors/idempotency-key.ts";
import { createIdentityInterceptor, rejectInvalidToken } from "./interceptors/identity.ts";
import { createLimitKeys } from "./interceptors/limit-keys.ts";
import { createOverloadInterceptor } from "./interceptors/overload.ts";
import { createRateLimitInterceptor } from "./interceptors/rate-limit.ts";
import { createServerStreamInterceptor, createStreamLimitInterceptor } from "./interceptors/server-streams.ts";
import { createTraceInterceptor } from "./interceptors/trace.ts";
import { createUnaryCallInterceptor } from "./interceptors/unary-calls.ts";
import { createValidationInterceptor } from "./interceptors/validation.ts";

/** The part of the configuration that the interceptors follow. */
interface GuardSettings {
  readonly auth: Parameters<typeof openTokenVerifier>[0];
  readonly dataDir: string;
  readonly redisUrl: string | undefined;
  readonly requestTimeoutMs: number;
  readonly rateLimits: Parameters<typeof createRateLimits>[0];
  readonly maxUnfinishedPerCaller: number;
  readonly maxStreams: number;
  readonly maxStreamsPerCaller: number;
}

interface GuardOptions {
  readonly services: readonly DescService[];
  readonly publish: Publish<AuthEvents & LimitEvents & RpcEvents>;
  /** Aborts when streams must end because the service is about to stop. */
  readonly draining: AbortSignal;
  /** Owns what is opened. */
  readonly stack: AsyncDisposableStack;
  /** Not given if traces are off. */
  readonly beginTrace?: BeginTrace | undefined;
  /** Without Redis: the rate limits that processes share, in place of those that this process counts. */
  readonly shareRates?: ((own: RateLimits) => RateLimits) | undefined;
  /** What a test sets in place of the service's own. */
  readonly instead?: GuardReplacements;
}

export interface GuardReplacements {
  readonly tokens?: TokenVerifier;
  readonly eventLoopDelay?: Pick<EventLoopDelay, "currentMs">;
  /** The longest duration of a stream. A client that opens it again may reach another instance. */
  readonly longestStreamMs?: number;
  /** Unsent bytes of messages, of all streams together. */
  readonly maxUnsentBytes?: number;
}

/** The interceptors of every call, whatever its protocol, the outermost first, and what they know of the load. */
interface Guards {
  readonly interceptors: Interceptor[];
  /** For requests that call no method. */
  readonly admit: Admit;
  /** Unary calls under way. */
  callsInFlight(): number;
  eventLoopDelayMs(): number;
}

/** Opens the interceptors. Rejects with a TokenKeyError if the configured key cannot be used. */
export async function openGuards(settings: GuardSettings, options: GuardOptions): Promise<Guards> {
  const { services, publish, draining, stack, shareRates, instead = {} } = options;
  const { redisUrl, requestTimeoutMs, rateLimits, maxUnfinishedPerCaller } = settings;
  const { longestStreamMs = 30 * 60_000, maxUnsentBytes = 16 * 1024 * 1024 } = instead;
  const eventLoopDelay = instead.eventLoopDelay ?? stack.use(measureEventLoopDelay());
  // Without a verifier callers send no tokens: the service takes the user from the request.
  const tokens = instead.tokens ?? (await openTokenVerifier(settings.auth, settings.dataDir, publish));
  const believesUsers = tokens === undefined;
  const redis =
    redisUrl === undefined ? undefined : stack.adopt(connectRedis(redisUrl, publish), (it) => it.disconnect());
  const counted = createRateLimits(rateLimits, redis, publish);
  const rates = redis ? counted : (shareRates?.(counted) ?? counted);
  // Redis counts the keys of a call one after the other, the primary process all at once.
  const waitsForRateLimits = redis ? 2 : Number(rates !== counted);
  const ruleOf = readAccessRules(services);
  const limitKeysOf = createLimitKeys(ruleOf, believesUsers);
  const inFlight = { calls: 0 };
  const interceptors = [
    ...(options.beginTrace ? [createTraceInterceptor(options.beginTrace)] : []),
    noteUserField(believesUsers ? (method) => ruleOf(method).userField : () => undefined),
    createServerStreamInterceptor(publish, draining, maxUnsentBytes),
    // Outside of the errors, whose codes depend on whether a call has a key.
    fillRequestId,
    createCacheControlInterceptor(ruleOf),
    createUnaryCallInterceptor(publish, requestTimeoutMs, inFlight),
    createOverloadInterceptor(ruleOf, eventLoopDelay, { requestTimeoutMs, waitsForRateLimits }, publish),
    createIdentityInterceptor(tokens),
    // Before anything is rejected for its caller, because rejected calls count too.
    createRateLimitInterceptor(ruleOf, rates, limitKeysOf),
    rejectInvalidToken,
    createStreamLimitInterceptor(limitKeysOf, streamLimits(settings), longestStreamMs, publish),
    createConcurrencyLimitInterceptor(ruleOf, limitKeysOf, maxUnfinishedPerCaller, publish),
    createAuthorizationInterceptor(ruleOf, believesUsers),
    createValidationInterceptor(services),
  ];
  const admit = createAdmission(tokens, rates, believesUsers);
  const load = { callsInFlight: () => inFlight.calls, eventLoopDelayMs: () => eventLoopDelay.currentMs() };
  return { interceptors, admit, ...load };
}

/** As with the rate limits, an address gets the streams of several callers. */
function streamLimits({ maxStreams, maxStreamsPerCaller, rateLimits }: GuardSettings): ConcurrencyLimits {
  const callers = rateLimits.callersPerAddress === 0 ? Number.POSITIVE_INFINITY : rateLimits.callersPerAddress;
  return { process: maxStreams, caller: maxStreamsPerCaller, address: maxStreamsPerCaller * callers };
}
