import type { Interceptor } from "@connectrpc/connect";
import { DomainError, retryDelayMs } from "../../domain/failure.ts";
import type { Publish } from "../../domain/publish.ts";
import type { EventLoopDelay } from "../../limits/event-loop-delay.ts";
import type { Lane } from "../../limits/limit-key.ts";
import type { RuleOf } from "../access.ts";
import { deadlineOf } from "../call-context.ts";
import type { RpcEvents } from "../events.ts";

/** A call has waited once for the event loop to read it. A booking waits twice more, for the database's responses. */
const waitsPerCall = 3;
/** Organizers' calls must work when everything else does not. A hold is often settled after its customer has paid. */
const neverShed: ReadonlySet<Lane> = new Set(["admin", "settlements"]);

interface OverloadOptions {
  readonly requestTimeoutMs: number;
  /** For the responses of what counts callers outside of this process. */
  readonly waitsForRateLimits: number;
}

/**
 * Sheds calls that could not be answered in time, before they cost anything. A stream, which may have no deadline, is shed
 * when a unary call with the longest timeout would be.
 */
export function createOverloadInterceptor(
  ruleOf: RuleOf,
  eventLoopDelay: Pick<EventLoopDelay, "currentMs">,
  { requestTimeoutMs, waitsForRateLimits }: OverloadOptions,
  publish: Publish<RpcEvents>,
): Interceptor {
  const waits = waitsPerCall + waitsForRateLimits;
  return (next) => (request) => {
    const delayMs = eventLoopDelay.currentMs();
    if (delayMs === 0) return next(request);
    const { lane } = ruleOf(request.method);
    if (!neverShed.has(lane)) {
      const { expiresAtMs } = deadlineOf(request.contextValues);
      const nowMs = performance.now();
      if (nowMs + waits * delayMs >= Math.min(expiresAtMs, nowMs + requestTimeoutMs)) {
        const { service, method } = request;
        publish("rpc.call_shed", { service: service.typeName, method: method.name, lane, eventLoopDelayMs: delayMs });
        throw new DomainError({ reason: "OVERLOADED", retryDelayMs });
      }
    }
    return next(request);
  };
}
