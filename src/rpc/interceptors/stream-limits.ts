import type { Interceptor, StreamRequest } from "@connectrpc/connect";
import { tokenExpired } from "../../auth/tokens.ts";
import { DomainError, retryDelayMs } from "../../domain/failure.ts";
import { createPlaces, type PlaceLimits } from "../../limits/concurrency-limit.ts";
import type { RuleOf } from "../access.ts";
import { callerOf } from "../caller.ts";
import { userOf, whomToCount } from "./limits.ts";
import { streamError, streamOf } from "./server-streams.ts";

export interface StreamLimitOptions {
  readonly ruleOf: RuleOf;
  /** Whether the service takes the user from the request, because callers show no tokens. */
  readonly believesUsers: boolean;
  /** Streams at once. */
  readonly places: PlaceLimits;
  /** After about this duration a stream ends with STREAM_EXPIRED. */
  readonly longestMs: number;
}

/** Streams that were opened at the same time must not all end at the same time: each lasts up to this part less. */
const jitter = 0.1;

/**
 * Takes a place for each stream once its caller is known, before the call is authorized. Ends the stream when it has lasted
 * for the longest duration, and when the caller's token expires.
 */
export function createStreamLimitInterceptor(options: StreamLimitOptions): Interceptor {
  const { ruleOf, believesUsers, longestMs } = options;
  const places = createPlaces(options.places);
  const limit = (request: StreamRequest) => {
    const stream = streamOf(request.contextValues);
    const caller = callerOf(request.contextValues);
    const user = userOf(request, ruleOf(request.method).userKey);
    const place = places.take(whomToCount(caller, user, believesUsers));
    if (place === "inAll") throw new DomainError({ reason: "OVERLOADED", retryDelayMs });
    if (typeof place === "string") {
      const problem = `at most ${options.places[place]} streams of one ${place} can be open: close one first`;
      throw new DomainError({ reason: "RATE_LIMITED", problem, retryDelayMs });
    }
    stream.onRelease(place.leave);
    stream.endAfter(longestMs * (1 - jitter * Math.random()), streamError({ reason: "STREAM_EXPIRED", retryDelayMs }));
    if (caller.expiresAtMs === undefined) return;
    const expired = streamError({ reason: "UNAUTHENTICATED", problem: tokenExpired });
    stream.endAfter(caller.expiresAtMs - Date.now(), expired);
  };
  // Not async: each promise around a unary call costs.
  return (next) => (request) => {
    if (request.stream) limit(request);
    return next(request);
  };
}
