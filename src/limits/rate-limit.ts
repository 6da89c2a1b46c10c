/** How many calls a caller may make in a minute, counted in this process, or in Redis for all instances together. */
import { LRUCache } from "lru-cache";
import { type RateLimiterAbstract, RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from "rate-limiter-flexible";
import type { Publish } from "../domain/publish.ts";
import type { LimitEvents } from "./events.ts";
import type { Lane, LimitKey } from "./limit-key.ts";
import type { RedisConnection } from "./redis.ts";

/** Calls a minute; 0 for no limit. */
type RateLimitOptions = Readonly<Record<Lane, number>> & {
  /** The limit of an address, in multiples of a caller's; 0 for no limit by address. */
  readonly callersPerAddress: number;
};

/** What is left in the current minute after a call. */
export interface Allowance {
  readonly isAllowed: boolean;
  /** The kind of the key that it was counted against. */
  readonly by: LimitKey["kind"];
  readonly limit: number;
  readonly remaining: number;
  /** Until the whole limit is available again. */
  readonly resetMs: number;
}

export interface RateLimits {
  /**
   * Counts a call as `cost` plain ones, but never as more than a whole limit, against one key after the other until one
   * rejects it. Returns the allowance that rejects it, or that the caller uses up first; undefined if there is no limit. Does
   * not fail: without Redis this process counts alone.
   */
  count(lane: Lane, keys: readonly LimitKey[], cost?: number): Promise<Allowance | undefined>;
  /** Whether calls of this kind have a limit. */
  isLimited(lane: Lane, by: LimitKey["kind"]): boolean;
}

const windowSeconds = 60;
/** Keys that this process counts, for each limit. Without tokens, clients can make up any number of names. */
const maxKeysPerLimit = 100_000;

/** Creates the limits. The caller disconnects `redis`. */
export function createRateLimits(
  { callersPerAddress, ...lanes }: RateLimitOptions,
  redis: RedisConnection | undefined,
  publish: Publish<LimitEvents>,
  maxKeys = maxKeysPerLimit,
): RateLimits {
  const limiters = new Map<string, RateLimiterAbstract>();
  for (const [lane, perCaller] of Object.entries(lanes)) {
    const points = { caller: perCaller, address: perCaller * callersPerAddress };
    for (const [kind, most] of Object.entries(points)) {
      if (most > 0) limiters.set(`${lane}:${kind}`, createLimiter(`${lane}:${kind}`, most, redis, maxKeys));
    }
  }

  async function countBy(lane: Lane, { kind, key }: LimitKey, cost: number): Promise<Allowance | undefined> {
    const limiter = limiters.get(`${lane}:${kind}`);
    if (!limiter) return undefined;
    try {
      const consumed = await consumeAll(limiter, key, Math.min(cost, limiter.points));
      return { ...allowanceOf(limiter, consumed), isAllowed: true, by: kind };
    } catch (refused) {
      if (!(refused instanceof RateLimiterRes)) throw refused;
      publish("limits.rate_limited", { lane, by: kind });
      return { ...allowanceOf(limiter, refused), isAllowed: false, by: kind };
    }
  }

  return {
    isLimited: (lane, kind) => limiters.has(`${lane}:${kind}`),
    async count(lane, keys, cost = 1) {
      let scarcest: Allowance | undefined;
      for (const key of keys) {
        const allowance = await countBy(lane, key, cost);
        if (!allowance) continue;
        if (!allowance.isAllowed) return allowance;
        scarcest = scarcest ? scarcer(scarcest, allowance) : allowance;
      }
      return scarcest;
    },
  };
}

/** The allowance that the caller uses up first. Of two alike, the one that resets later. */
function scarcer(one: Allowance, other: Allowance): Allowance {
  return (one.remaining - other.remaining || other.resetMs - one.resetMs) <= 0 ? one : other;
}

function createLimiter(
  name: string,
  points: number,
  redis: RedisConnection | undefined,
  maxKeys: number,
): RateLimiterAbstract {
  const options = { points, duration: windowSeconds, keyPrefix: `frontrow:${name}` };
  const alone = new BoundedRateLimiter(options, maxKeys);
  if (!redis) return alone;
  return new RateLimiterRedis({
    ...options,
    storeClient: redis,
    rejectIfRedisNotReady: true,
    insuranceLimiter: alone,
  });
}

/** Counts in this process. Beyond the bound, the count of the least recent key is dropped. */
class BoundedRateLimiter extends RateLimiterMemory {
  readonly #keys: LRUCache<string, true>;

  constructor(options: ConstructorParameters<typeof RateLimiterMemory>[0], maxKeys: number) {
    super(options);
    this.#keys = new LRUCache({ max: maxKeys, dispose: (_, key) => void this.delete(key) });
  }

  override consume(key: string, cost?: number): Promise<RateLimiterRes> {
    this.#keys.set(key, true);
    return super.consume(key, cost);
  }
}

/** Consumes the whole cost or nothing, so that a rejected call leaves what remains to less costly ones. */
function consumeAll(limiter: RateLimiterAbstract, key: string, cost: number): Promise<RateLimiterRes> {
  const consumed = limiter.consume(key, cost);
  // A plain call is rejected only when nothing is left.
  if (cost === 1) return consumed;
  return consumed.catch(async (refused: unknown) => {
    const isGivenBack = refused instanceof RateLimiterRes && refused.consumedPoints - cost < limiter.points;
    throw isGivenBack ? await limiter.reward(key, cost) : refused;
  });
}

function allowanceOf({ points }: RateLimiterAbstract, result: RateLimiterRes): Omit<Allowance, "isAllowed" | "by"> {
  const { remainingPoints, msBeforeNext } = result;
  return { limit: points, remaining: Math.max(0, remainingPoints), resetMs: Math.max(0, msBeforeNext) };
}
