/** What stands before the handlers: the interceptors, and what they need that has to be opened and closed. */
import type { DescService } from "@bufbuild/protobuf";
import type { Interceptor } from "@connectrpc/connect";
import type { Logger } from "pino";
import { openTokenVerifier } from "./auth/index.ts";
import type { Config } from "./config/load.ts";
import type { PlaceLimits } from "./limits/concurrency-limit.ts";
import { createLagMeter } from "./limits/event-loop-delay.ts";
import { createFairShare } from "./limits/fair-share.ts";
import { createRateLimits } from "./limits/rate-limit.ts";
import { connectRedis } from "./limits/redis.ts";
import { readAccessRules } from "./rpc/access.ts";
import { createInterceptors, type StreamOptions } from "./rpc/interceptors/index.ts";

export interface Guards {
  readonly interceptors: Interceptor[];
  close(): void;
}

/** A Redis that is gone is told of this often. */
const redisReportMs = 30_000;

export interface GuardOptions {
  readonly services: readonly DescService[];
  readonly logger: Logger;
  /** Aborts when streams have to end because the service is about to stop. */
  readonly draining: AbortSignal;
  /** The longest duration of a stream, and how much of all streams may wait unsent: the service's own unless a test sets others. */
  readonly streams?: Pick<StreamOptions, "longestMs" | "maxUnsentBytes">;
}

/** Opens them for these services. Rejects with a TokenKeyError if the configured key cannot be used. */
export async function openGuards(config: Config, options: GuardOptions): Promise<Guards> {
  const { services, logger, draining, streams } = options;
  const tokens = await openTokenVerifier(config.auth, config.dataDir, logger);
  let tellAgainAtMs = 0;
  const report = (error: unknown) => {
    if (performance.now() < tellAgainAtMs) return;
    tellAgainAtMs = performance.now() + redisReportMs;
    // Its own words only: ioredis adds the command that failed, which may hold the password, or a caller's name.
    const { code, message } = error as Partial<Record<"code" | "message", string>>;
    logger.warn({ err: { code, message } }, "Redis cannot be reached: each instance counts its callers alone");
  };
  const ruleOf = readAccessRules(services);
  const redis = config.redisUrl === undefined ? undefined : connectRedis(config.redisUrl, report);
  const lag = createLagMeter();
  const interceptors = createInterceptors(services, {
    ruleOf,
    logger,
    requestTimeoutMs: config.requestTimeoutMs,
    tokens,
    rates: createRateLimits(config.rateLimits, redis, report),
    lag,
    fairShare: createFairShare(config.maxUnfinishedPerCaller),
    streams: { draining, places: streamPlaces(config), ...streams },
  });
  return {
    interceptors,
    close() {
      lag.close();
      redis?.disconnect();
    },
  };
}

/** As with the rates, an address has the places of so many callers. */
function streamPlaces({ maxStreams, maxStreamsPerCaller, rateLimits }: Config): PlaceLimits {
  const callers = rateLimits.callersPerAddress === 0 ? Number.POSITIVE_INFINITY : rateLimits.callersPerAddress;
  return { inAll: maxStreams, caller: maxStreamsPerCaller, address: maxStreamsPerCaller * callers };
}
