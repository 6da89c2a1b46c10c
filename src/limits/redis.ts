import { Redis } from "ioredis";

/** A connection that instances share counts through. It comes and goes by itself, and nothing waits for it for long. */
export type RedisConnection = Redis;

const connectTimeoutMs = 2_000;
const commandTimeoutMs = 200;
const longestRetryDelayMs = 5_000;

/** Connects in the background. `report` hears of every failed attempt, once in a while. */
export function connectRedis(url: string, report: (error: unknown) => void): RedisConnection {
  const redis = new Redis(url, {
    connectTimeout: connectTimeoutMs,
    commandTimeout: commandTimeoutMs,
    // A command without a connection fails at once: the count goes on without Redis.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (attempt) => Math.min(100 * 2 ** Math.min(attempt, 10), longestRetryDelayMs),
  });
  redis.on("error", report);
  return redis;
}
