import { Redis } from "ioredis";
import type { Publish } from "../domain/publish.ts";
import type { LimitEvents } from "./events.ts";

/** A connection that instances share their counts through. It reconnects by itself, and no call waits for that. */
export type RedisConnection = Redis;

const connectTimeoutMs = 2_000;
/**
 * Without a response for this long the connection is closed, so that calls wait for a hanging Redis once. It is longer than
 * the usual event-loop delay of a busy process, which must not look like a hanging Redis.
 */
const socketTimeoutMs = 500;
const maxRetryDelayMs = 5_000;

/** Connects in the background. Each failed attempt and rejected command is published. The caller disconnects it. */
export function connectRedis(url: string, publish: Publish<LimitEvents>): RedisConnection {
  const report = ({ code, message }: Error & { readonly code?: string }) =>
    publish("limits.redis_failed", { code, message });
  const redis = new Redis(url, {
    connectTimeout: connectTimeoutMs,
    socketTimeout: socketTimeoutMs,
    // A command without a connection fails at once, and the call is counted in this process.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (attempt) => Math.min(100 * 2 ** Math.min(attempt, 10), maxRetryDelayMs),
    // Older servers reject what this would send.
    disableClientInfo: true,
    reconnectOnError(error) {
      // A script's first use on a server fails with NOSCRIPT, and ioredis then sends the script.
      if (!error.message.startsWith("NOSCRIPT")) report(error);
      // After a failover the name of the server may lead to the new primary.
      return error.message.startsWith("READONLY");
    },
  });
  redis.on("error", report);
  return redis;
}
