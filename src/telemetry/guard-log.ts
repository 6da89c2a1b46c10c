import type { Logger } from "pino";
import type { AuthEvents } from "../auth/events.ts";
import type { LimitEvents } from "../limits/events.ts";
import type { EventHub } from "./events.ts";

/** Between two warnings that Redis has failed. */
const redisPauseMs = 30_000;

/** Logs the trouble of authentication and limits, and rejected tokens at `debug`. */
export function logGuards(hub: Pick<EventHub<AuthEvents & LimitEvents>, "subscribe">, logger: Logger): void {
  hub.subscribe("auth.keys_unreachable", ({ error }) =>
    logger.warn({ err: error }, "the keys to check tokens with cannot be fetched"),
  );
  hub.subscribe("auth.token_rejected", ({ describe }) => {
    if (logger.isLevelEnabled("debug")) logger.debug(describe(), "a token was refused");
  });
  let warnAgainAtMs = 0;
  hub.subscribe("limits.redis_failed", ({ code, message }) => {
    if (performance.now() < warnAgainAtMs) return;
    warnAgainAtMs = performance.now() + redisPauseMs;
    logger.warn({ err: { code, message } }, "Redis cannot be reached: each instance counts its callers alone");
  });
}
