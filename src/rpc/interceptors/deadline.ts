import { Code, ConnectError, type Interceptor, type UnaryRequest } from "@connectrpc/connect";
import type { Progress } from "../../domain/deadline.ts";
import { DomainError, retryDelayMs } from "../../domain/failure.ts";
import { setDeadline } from "../call-context.ts";
import { clientTimeoutMs } from "../request-headers.ts";

/** The error of a call whose signal has aborted: the client, the deadline or a shutdown has ended the call. */
export function errorOfAbort(reason: unknown, begun: boolean): Error {
  const { code } = ConnectError.from(reason);
  const isGone = code === Code.Canceled || code === Code.Aborted;
  if (isGone) return new ConnectError("the client has gone away", Code.Canceled);
  if (code === Code.Unavailable) return new DomainError({ reason: "SHUTTING_DOWN", begun, retryDelayMs });
  return new DomainError({ reason: "DEADLINE_EXCEEDED", begun });
}

/**
 * Gives every unary call a deadline: the client's timeout or `requestTimeoutMs`, whichever is shorter. The call ends when it
 * passes, or when the client hangs up, even if the work continues. Streams have a longest duration instead.
 */
export function createDeadlineInterceptor(requestTimeoutMs: number): Interceptor {
  return (next) => async (request) => {
    if (request.stream) return await next(request);
    const timeoutMs = Math.min(requestTimeoutMs, clientTimeoutMs(request.header));
    // A timer would let the call begin, and perhaps end in time.
    if (timeoutMs === 0) throw new DomainError({ reason: "DEADLINE_EXCEEDED", begun: false });
    const { ended, stop } = startDeadline(request, timeoutMs);
    try {
      return await Promise.race([next(request), ended]);
    } finally {
      stop();
    }
  };
}

/** Sets the call's deadline. `ended` rejects when it passes or the client hangs up, until `stop` is called. */
function startDeadline({ contextValues, signal }: UnaryRequest, timeoutMs: number) {
  const controller = new AbortController();
  let progress: Progress = "waiting";
  setDeadline(contextValues, {
    signal: controller.signal,
    expiresAtMs: performance.now() + timeoutMs,
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
