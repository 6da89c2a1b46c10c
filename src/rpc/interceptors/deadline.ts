import {
  Code,
  ConnectError,
  type ContextValues,
  createContextKey,
  type HandlerContext,
  type Interceptor,
} from "@connectrpc/connect";
import type { ChangeDeadline, Progress } from "../../domain/deadline.ts";
import { DomainError, retryDelayMs } from "../../domain/failure.ts";
import { clientTimeoutMs } from "../timeout.ts";

const deadlineKey = createContextKey<ChangeDeadline | undefined>(undefined, { description: "the call's deadline" });

/** The deadline of the call that a handler answers. */
export function deadlineOf(context: Pick<HandlerContext, "values">): ChangeDeadline {
  return deadlineFrom(context.values);
}

/** The deadline of a call, for interceptors further in. */
export function deadlineFrom(values: ContextValues): ChangeDeadline {
  const deadline = values.get(deadlineKey);
  if (!deadline) throw new Error("the deadline interceptor did not run");
  return deadline;
}

/** Notes the deadline of a call. */
export function setDeadline(values: ContextValues, deadline: ChangeDeadline): void {
  values.set(deadlineKey, deadline);
}

/** What a call ends with whose signal has aborted for a reason: the client, the deadline or a shutdown has ended it. */
export function errorOfAbort(reason: unknown, begun: boolean): Error {
  const { code } = ConnectError.from(reason);
  const isGone = code === Code.Canceled || code === Code.Aborted;
  if (isGone) return new ConnectError("the client has gone away", Code.Canceled);
  if (code === Code.Unavailable) return new DomainError({ reason: "SHUTTING_DOWN", begun, retryDelayMs });
  return new DomainError({ reason: "DEADLINE_EXCEEDED", begun });
}

/**
 * Gives every unary call a deadline, the client's or `requestTimeoutMs`, whichever is sooner, and answers when it passes
 * even if the work goes on. A client that hangs up ends it as well. Streams have a lifetime of another kind.
 */
export function createDeadlineInterceptor(requestTimeoutMs: number): Interceptor {
  return (next) => async (request) => {
    if (request.stream) return await next(request);
    const timeoutMs = Math.min(requestTimeoutMs, clientTimeoutMs(request.header));
    // A timer would let the call begin, and perhaps be through in time.
    if (timeoutMs === 0) throw new DomainError({ reason: "DEADLINE_EXCEEDED", begun: false });
    const controller = new AbortController();
    let progress: Progress = "waiting";
    setDeadline(request.contextValues, {
      signal: controller.signal,
      expiresAtMs: performance.now() + timeoutMs,
      onProgress: (now) => {
        progress = now;
      },
    });

    const ended = Promise.withResolvers<never>();
    // It may reject before the race has begun.
    ended.promise.catch(() => {});
    const end = (error: Error) => {
      controller.abort();
      ended.reject(error);
    };
    const expire = () => end(new DomainError({ reason: "DEADLINE_EXCEEDED", begun: progress === "begun" }));
    const onAbort = () => end(errorOfAbort(request.signal.reason, progress === "begun"));
    const timer = setTimeout(expire, timeoutMs);
    request.signal.addEventListener("abort", onAbort, { once: true });
    if (request.signal.aborted) onAbort();
    try {
      return await Promise.race([next(request), ended.promise]);
    } finally {
      clearTimeout(timer);
      request.signal.removeEventListener("abort", onAbort);
    }
  };
}
