import { lanes } from "../../limits/limit-key.ts";
import type { AppEvents, EventHub } from "../events.ts";
import type { Instruments } from "./instruments.ts";

/** Observes the limits, the cache, streams, connections, tokens and readiness. */
export function observeLimits(on: EventHub<AppEvents>["subscribe"], instruments: Instruments): void {
  const { counter, counterBy, gauge } = instruments;
  const lookups = counterBy("frontrow_cache_lookups_total", "Reads of the cache of concerts and pages", "result", [
    ...(["hit", "miss"] as const),
  ]);
  const rateLimited = counterBy("frontrow_rate_limited_total", "Calls rejected by a rate limit", "lane", lanes);
  const shed = counterBy("frontrow_shed_calls_total", "Calls rejected because of the event-loop delay", "lane", lanes);
  const unfinished = counterBy(
    "frontrow_concurrency_limited_total",
    "Calls rejected as one too many at once",
    "limit",
    [...(["bookings", "settlements", "streams"] as const)],
  );
  const redis = counter("frontrow_redis_failures_total", "Failed commands and connections of Redis");
  const rejected = counter("frontrow_tokens_rejected_total", "Tokens that were rejected");
  const keys = counter("frontrow_token_keys_failures_total", "Failed fetches of the keys that verify tokens");
  const streams = gauge("frontrow_streams_open", "Open response streams", "sum");
  const connections = gauge("frontrow_connections_open", "Open connections of clients", "sum");
  const refused = counter("frontrow_connections_refused_total", "Connections closed at once because of a limit");
  const isReady = gauge("frontrow_ready", "Whether readiness is up", "min");

  on("concerts.read", ({ isCached }) => (isCached ? lookups.hit : lookups.miss).value++);
  on("limits.rate_limited", ({ lane }) => rateLimited[lane].value++);
  on("rpc.call_shed", ({ lane }) => shed[lane].value++);
  on("rpc.concurrency_limited", ({ of }) => unfinished[of].value++);
  on("limits.redis_failed", () => redis.value++);
  on("auth.token_rejected", () => rejected.value++);
  on("auth.keys_unreachable", () => keys.value++);
  on("rpc.stream_opened", () => streams.value++);
  on("rpc.call_finished", ({ messages }) => {
    if (messages !== undefined) streams.value--;
  });
  on("transport.connection_changed", ({ change }) => {
    if (change === "opened") connections.value++;
    else if (change === "closed") connections.value--;
    else refused.value++;
  });
  on("transport.readiness_changed", ({ state }) => {
    isReady.value = state === "ready" ? 1 : 0;
  });
}
