/** The interceptors before the handlers, with the resources that they need. */
import type { DescService } from "@bufbuild/protobuf";
import type { Interceptor } from "@connectrpc/connect";
import type { Logger } from "pino";
import { openTokenVerifier } from "../auth/index.ts";
import type { PlaceLimits } from "../limits/concurrency-limit.ts";
import { createLagMeter } from "../limits/event-loop-delay.ts";
import { createFairShare } from "../limits/fair-share.ts";
import { createRateLimits } from "../limits/rate-limit.ts";
import { connectRedis } from "../limits/redis.ts";
import { readAccessRules } from "./access.ts";
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
  readonly logger: Logger;
  /** Aborts when streams have to end because the service is about to stop. */
  readonly draining: AbortSignal;
  /** Owns what is opened. */
  readonly stack: AsyncDisposableStack;
  /** The longest duration of a stream, and how many bytes of all streams may wait unsent, where a test sets them. */
  readonly streams?: Pick<StreamOptions, "longestMs" | "maxUnsentBytes">;
}

/** The interval between two warnings about Redis. */
const redisReportMs = 30_000;

/** Opens the interceptors for these services. Rejects with a TokenKeyError if the configured key cannot be used. */
export async function openGuards(settings: GuardSettings, options: GuardOptions): Promise<Interceptor[]> {
  const { services, logger, draining, stack, streams } = options;
  const { redisUrl } = settings;
  const tokens = await openTokenVerifier(settings.auth, settings.dataDir, logger);
  let tellAgainAtMs = 0;
  const report = (error: unknown) => {
    if (performance.now() < tellAgainAtMs) return;
    tellAgainAtMs = performance.now() + redisReportMs;
    // Only these fields: ioredis adds the command that failed, which may contain the password or a caller's name.
    const { code, message } = error as Partial<Record<"code" | "message", string>>;
    logger.warn({ err: { code, message } }, "Redis cannot be reached: each instance counts its callers alone");
  };
  const redis =
    redisUrl === undefined ? undefined : stack.adopt(connectRedis(redisUrl, report), (it) => it.disconnect());
  return createInterceptors(services, {
    ruleOf: readAccessRules(services),
    logger,
    requestTimeoutMs: settings.requestTimeoutMs,
    tokens,
    rates: createRateLimits(settings.rateLimits, redis, report),
    lag: stack.adopt(createLagMeter(), (lag) => lag.close()),
    fairShare: createFairShare(settings.maxUnfinishedPerCaller),
    streams: { draining, places: streamPlaces(settings), ...streams },
  });
}

/** As with the rate limits, an address gets the places of several callers. */
function streamPlaces({ maxStreams, maxStreamsPerCaller, rateLimits }: GuardSettings): PlaceLimits {
  const callers = rateLimits.callersPerAddress === 0 ? Number.POSITIVE_INFINITY : rateLimits.callersPerAddress;
  return { inAll: maxStreams, caller: maxStreamsPerCaller, address: maxStreamsPerCaller * callers };
}
