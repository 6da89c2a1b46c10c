import { type Command, Redis } from "ioredis";
import type { Publish } from "../domain/publish.ts";
import type { LimitEvents } from "./events.ts";

/** A connection that instances share their counts through. It reconnects by itself, and no call waits for that. */
export type RedisConnection = Redis;

const connectTimeoutMs = 2_000;
/** Without an answer for this long the connection is closed, so that one call waits for a Redis that hangs, not each. */
const socketTimeoutMs = 200;
const maxRetryDelayMs = 5_000;

/** Connects in the background. Each failed attempt and command is published. The caller disconnects it. */
export function connectRedis(url: string, publish: Publish<LimitEvents>): RedisConnection {
  const report = ({ code, message }: Error & { readonly code?: string }) =>
    publish("limits.redis_failed", { code, message });

  /** ioredis emits no event for a command that fails on an open connection, such as a write to a replica. */
  class ReportingRedis extends Redis {
    override sendCommand(command: Command, stream?: Parameters<Redis["sendCommand"]>[1]): unknown {
      command.promise.catch(report);
      return super.sendCommand(command, stream);
    }
  }

  const redis = new ReportingRedis(url, {
    connectTimeout: connectTimeoutMs,
    socketTimeout: socketTimeoutMs,
    // A command without a connection fails at once, and is counted in this process.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (attempt) => Math.min(100 * 2 ** Math.min(attempt, 10), maxRetryDelayMs),
  });
  redis.on("error", report);
  return redis;
}
