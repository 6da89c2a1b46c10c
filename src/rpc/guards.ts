/** The interceptors before the handlers, with the resources that they need. */
import type { DescService } from "@bufbuild/protobuf";
import type { Interceptor } from "@connectrpc/connect";
import type { AuthEvents } from "../auth/events.ts";
import { openTokenVerifier } from "../auth/index.ts";
import type { Publish } from "../domain/publish.ts";
import type { ConcurrencyLimits } from "../limits/concurrency-limit.ts";
import { measureEventLoopDelay } from "../limits/event-loop-delay.ts";
import type { LimitEvents } from "../limits/events.ts";
import { createRateLimits } from "../limits/rate-limit.ts";
import { connectRedis } from "../limits/redis.ts";
import { readAccessRules } from "./access.ts";
import type { RpcEvents } from "./events.ts";
import { createInterceptors, type StreamOptions } from "./interceptors/index.ts";

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
  /** The longest duration of a stream, and how many bytes of all streams may wait unsent, where a test sets them. */
  readonly streams?: Pick<StreamOptions, "longestMs" | "maxUnsentBytes">;
}

/** Opens the interceptors for these services. Rejects with a TokenKeyError if the configured key cannot be used. */
export async function openGuards(settings: GuardSettings, options: GuardOptions): Promise<Interceptor[]> {
  const { services, publish, draining, stack, streams } = options;
  const { redisUrl } = settings;
  const tokens = await openTokenVerifier(settings.auth, settings.dataDir, publish);
  const redis =
    redisUrl === undefined ? undefined : stack.adopt(connectRedis(redisUrl, publish), (it) => it.disconnect());
  return createInterceptors(services, {
    ruleOf: readAccessRules(services),
    publish,
    requestTimeoutMs: settings.requestTimeoutMs,
    tokens,
    rates: createRateLimits(settings.rateLimits, redis, publish),
    eventLoopDelay: stack.use(measureEventLoopDelay()),
    maxUnfinishedPerCaller: settings.maxUnfinishedPerCaller,
    streams: { draining, limits: streamLimits(settings), ...streams },
  });
}

/** As with the rate limits, an address gets the streams of several callers. */
function streamLimits({ maxStreams, maxStreamsPerCaller, rateLimits }: GuardSettings): ConcurrencyLimits {
  const callers = rateLimits.callersPerAddress === 0 ? Number.POSITIVE_INFINITY : rateLimits.callersPerAddress;
  return { process: maxStreams, caller: maxStreamsPerCaller, address: maxStreamsPerCaller * callers };
}
