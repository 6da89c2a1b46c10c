/** What stands before the handlers: the interceptors, and what they need that has to be opened and closed. */
import type { DescService } from "@bufbuild/protobuf";
import type { Interceptor } from "@connectrpc/connect";
import type { Logger } from "pino";
import type { Config } from "./config.ts";
import { openTokenVerifier } from "./identity/index.ts";
import { createFairShare } from "./limits/fair-share.ts";
import { createLagMeter } from "./limits/lag.ts";
import { createRateLimits } from "./limits/rates.ts";
import { connectRedis } from "./limits/redis.ts";
import { readAccessRules } from "./rpc/access.ts";
import { createInterceptors } from "./rpc/interceptors/index.ts";

export interface Guards {
  readonly interceptors: Interceptor[];
  close(): void;
}

/** A Redis that is gone is told of this often. */
const redisReportMs = 30_000;

/** Opens them for these services. Rejects with a TokenKeyError if the configured key cannot be used. */
export async function openGuards(
  config: Config,
  { services, logger }: { services: readonly DescService[]; logger: Logger },
): Promise<Guards> {
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
  });
  return {
    interceptors,
    close() {
      lag.close();
      redis?.disconnect();
    },
  };
}
