import type { Interceptor, UnaryRequest } from "@connectrpc/connect";
import type { Progress } from "../../domain/deadline.ts";
import { DomainError } from "../../domain/failure.ts";
import type { Publish } from "../../domain/publish.ts";
import { applyResponseHeaders, setDeadline, traceOf } from "../call-context.ts";
import type { RpcEvents } from "../events.ts";
import { clientTimeoutMs } from "../request-headers.ts";
import { errorOfAbort, finishedCall, toConnectError } from "./errors.ts";

/**
 * Gives every unary call a deadline, converts what it throws to the error that the client gets, and publishes its end. The
 * deadline is the client's timeout or `requestTimeoutMs`, whichever is shorter. The call ends when it passes, or when the
 * client hangs up, even if the work continues. Streams pass. `inFlight` counts the calls under way.
 */
export function createUnaryCallInterceptor(
  publish: Publish<RpcEvents>,
  requestTimeoutMs: number,
  inFlight: { calls: number } = { calls: 0 },
): Interceptor {
  async function call(request: UnaryRequest, next: ReturnType<Interceptor>) {
    const startedAtMs = performance.now();
    inFlight.calls++;
    const timeoutMs = Math.min(requestTimeoutMs, clientTimeoutMs(request.header));
    const deadline = startDeadline(request, timeoutMs);
    try {
      // A timer would let the call begin, and perhaps end in time.
      if (timeoutMs === 0) throw new DomainError({ reason: "DEADLINE_EXCEEDED", begun: false });
      const response = await Promise.race([next(request), deadline.ended]);
      applyResponseHeaders(request.contextValues, response.header);
      publish("rpc.call_finished", finishedCall(request, startedAtMs));
      return response;
    } catch (cause) {
      const error = toConnectError(cause, request, publish);
      publish("rpc.call_finished", finishedCall(request, startedAtMs, error));
      throw error;
    } finally {
      inFlight.calls--;
      deadline.stop();
    }
  }
  return (next) => (request) => (request.stream ? next(request) : call(request, next));
}

/** Sets the call's deadline. `ended` rejects when it passes or the client hangs up, until `stop` is called. */
function startDeadline({ contextValues, signal }: UnaryRequest, timeoutMs: number) {
  const controller = new AbortController();
  let progress: Progress = "waiting";
  setDeadline(contextValues, {
    signal: controller.signal,
    expiresAtMs: performance.now() + timeoutMs,
    trace: traceOf(contextValues),
    onProgress: (now) => {
      progress = now;
    },
  });

  const { promise: ended, reject } = Promise.withResolvers<never>();
  // It may reject before the race has begun.
  ended.catch(() => {});
  const end = (error: Error) => {
    controller.abort();
    reject(error);
  };
  const onAbort = () => end(errorOfAbort(signal.reason, progress === "begun"));
  const expire = () => end(new DomainError({ reason: "DEADLINE_EXCEEDED", begun: progress === "begun" }));
  const timer = setTimeout(expire, timeoutMs);
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  return {
    ended,
    stop() {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
    },
  };
}
