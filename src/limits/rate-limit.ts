/** How many calls a caller may make in a minute, counted in this process, or in Redis for all instances together. */
import { LRUCache } from "lru-cache";
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from "rate-limiter-flexible";
import type { RedisConnection } from "./redis.ts";

/** What calls of one kind count against. */
export type Budget = "reads" | "bookings" | "admin";

/** Calls a minute; 0 for no limit. */
export type BudgetLimits = Readonly<Record<Budget, number>> & {
  /** An address gets as much as so many callers; 0 for no limit by address. */
  readonly callersPerAddress: number;
};

/** Who is counted: one caller, or all who come from one address, which can be a household or a campus. */
export interface Counted {
  readonly kind: "caller" | "address";
  readonly key: string;
}

/** What is left of a budget after a call. */
export interface Allowance {
  readonly isAllowed: boolean;
  readonly limit: number;
  readonly remaining: number;
  /** When the budget is whole again. */
  readonly resetMs: number;
}

export interface RateLimits {
  /**
   * Counts a call for `cost` plain ones, 1 unless told, but never for more than the whole budget. Undefined if nothing limits
   * it. Never fails: while Redis is gone this process counts alone.
   */
  count(budget: Budget, counted: Counted, cost?: number): Promise<Allowance | undefined>;
}

const windowSeconds = 60;
/** How long Redis is left alone after it has failed, so that not every call waits for it. */
const redisRestMs = 2_000;
/** How many this process counts of each kind. Where callers may call themselves anything, names have no end. */
const maxCounted = 100_000;

interface Limiter {
  readonly points: number;
  consume(key: string, cost: number): Promise<RateLimiterRes>;
}

/** What tests set otherwise. */
export interface RateOptions {
  readonly clockMs?: () => number;
  readonly maxCounted?: number;
}

/** Makes the limits. `redis`, if given, stays the caller's to close. */
export function createRateLimits(
  limits: BudgetLimits,
  redis: RedisConnection | undefined,
  report: (error: unknown) => void,
  options: RateOptions = {},
): RateLimits {
  const limiters = new Map<string, Limiter>();
  const health = createHealth();
  const { callersPerAddress, ...budgets } = limits;
  for (const [budget, perCaller] of Object.entries(budgets)) {
    const points = { caller: perCaller, address: perCaller * callersPerAddress };
    for (const [kind, most] of Object.entries(points)) {
      if (most === 0) continue;
      const name = `${budget}:${kind}`;
      limiters.set(name, createLimiter(name, most, { ...defaults, ...options, redis, health, report }));
    }
  }

  return {
    async count(budget, { kind, key }, cost = 1) {
      const limiter = limiters.get(`${budget}:${kind}`);
      if (!limiter) return undefined;
      try {
        return allowance(limiter, await limiter.consume(key, Math.min(cost, limiter.points)), true);
      } catch (refused) {
        if (refused instanceof RateLimiterRes) return allowance(limiter, refused, false);
        throw refused;
      }
    },
  };
}

const defaults: Required<RateOptions> = { clockMs: () => performance.now(), maxCounted };

interface LimiterOptions extends Required<RateOptions> {
  readonly redis: RedisConnection | undefined;
  readonly health: Health;
  readonly report: (error: unknown) => void;
}

function createLimiter(
  name: string,
  points: number,
  { redis, health, report, clockMs, maxCounted }: LimiterOptions,
): Limiter {
  const options = { points, duration: windowSeconds, keyPrefix: `frontrow:${name}` };
  const alone = createMemoryLimiter(options, maxCounted);
  if (!redis) return alone;
  const together = new RateLimiterRedis({ ...options, storeClient: redis });
  return {
    points,
    async consume(key, cost) {
      if (!health.isAsked(clockMs())) return await alone.consume(key, cost);
      try {
        const result = await consumeAll(together, key, cost);
        health.answered();
        return result;
      } catch (error) {
        if (error instanceof RateLimiterRes) {
          health.answered();
          throw error;
        }
        health.failed(clockMs());
        report(error);
        return await alone.consume(key, cost);
      }
    },
  };
}

/** Counts in this process. Past the bound, those who have not called for the longest are forgotten and begin anew. */
function createMemoryLimiter(
  options: { readonly points: number; readonly duration: number; readonly keyPrefix: string },
  maxCounted: number,
): Limiter {
  const memory = new RateLimiterMemory(options);
  const counted = new LRUCache<string, true>({ max: maxCounted, dispose: (_, key) => void memory.delete(key) });
  return {
    points: options.points,
    consume(key, cost) {
      counted.set(key, true);
      return consumeAll(memory, key, cost);
    },
  };
}

/** Consumes the whole cost or nothing, so that what is left of a budget still serves less costly calls. */
function consumeAll(limiter: RateLimiterMemory | RateLimiterRedis, key: string, cost: number): Promise<RateLimiterRes> {
  const consumed = limiter.consume(key, cost);
  // A plain call is refused only when nothing is left.
  if (cost === 1) return consumed;
  return consumed.catch(async (refused: unknown) => {
    const isGivenBack = refused instanceof RateLimiterRes && refused.consumedPoints - cost < limiter.points;
    throw isGivenBack ? await limiter.reward(key, cost) : refused;
  });
}

/** Whether Redis is to be asked. While it fails, one call in two seconds asks, and no other waits with it. */
interface Health {
  isAsked(nowMs: number): boolean;
  answered(): void;
  failed(nowMs: number): void;
}

function createHealth(): Health {
  /** Undefined while it is well. */
  let askAgainAtMs: number | undefined;
  return {
    isAsked(nowMs) {
      if (askAgainAtMs === undefined) return true;
      if (nowMs < askAgainAtMs) return false;
      askAgainAtMs = nowMs + redisRestMs;
      return true;
    },
    answered() {
      askAgainAtMs = undefined;
    },
    failed(nowMs) {
      askAgainAtMs = nowMs + redisRestMs;
    },
  };
}

function allowance({ points }: Limiter, result: RateLimiterRes, isAllowed: boolean): Allowance {
  const { remainingPoints, msBeforeNext } = result;
  return { isAllowed, limit: points, remaining: Math.max(0, remainingPoints), resetMs: Math.max(0, msBeforeNext) };
}
