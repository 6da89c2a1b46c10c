/** What stands before the handlers: the interceptors, and what they need that has to be opened and closed. */
import type { DescService } from "@bufbuild/protobuf";
import type { Interceptor } from "@connectrpc/connect";
import type { Logger } from "pino";
import type { AuthEvents } from "./auth/events.ts";
import { openTokenVerifier } from "./auth/index.ts";
import type { Config } from "./config/load.ts";
import type { ConcurrencyLimits } from "./limits/concurrency-limit.ts";
import { measureEventLoopDelay } from "./limits/event-loop-delay.ts";
import type { LimitEvents } from "./limits/events.ts";
import { createRateLimits } from "./limits/rate-limit.ts";
import { connectRedis } from "./limits/redis.ts";
import { readAccessRules } from "./rpc/access.ts";
import type { RpcEvents } from "./rpc/events.ts";
import { createInterceptors, type StreamOptions } from "./rpc/interceptors/index.ts";
import { logCalls } from "./telemetry/call-log.ts";
import { createEventHub } from "./telemetry/events.ts";
import { logGuards } from "./telemetry/guard-log.ts";

export interface Guards {
  readonly interceptors: Interceptor[];
  close(): void;
}

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
  const hub = createEventHub<AuthEvents & LimitEvents & RpcEvents>((error) =>
    logger.error({ err: error }, "a listener failed"),
  );
  const { publish } = hub;
  logCalls(hub, logger);
  logGuards(hub, logger);
  const tokens = await openTokenVerifier(config.auth, config.dataDir, publish);
  const redis = config.redisUrl === undefined ? undefined : connectRedis(config.redisUrl, publish);
  const eventLoopDelay = measureEventLoopDelay();
  const interceptors = createInterceptors(services, {
    ruleOf: readAccessRules(services),
    publish,
    requestTimeoutMs: config.requestTimeoutMs,
    tokens,
    rates: createRateLimits(config.rateLimits, redis, publish),
    eventLoopDelay,
    maxUnfinishedPerCaller: config.maxUnfinishedPerCaller,
    streams: { draining, limits: streamLimits(config), ...streams },
  });
  return {
    interceptors,
    close() {
      eventLoopDelay[Symbol.dispose]();
      redis?.disconnect();
    },
  };
}

/** As with the rates, an address may have the streams of so many callers. */
function streamLimits({ maxStreams, maxStreamsPerCaller, rateLimits }: Config): ConcurrencyLimits {
  const callers = rateLimits.callersPerAddress === 0 ? Number.POSITIVE_INFINITY : rateLimits.callersPerAddress;
  return { process: maxStreams, caller: maxStreamsPerCaller, address: maxStreamsPerCaller * callers };
}
