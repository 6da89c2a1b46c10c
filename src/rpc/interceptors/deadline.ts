import { createContextKey, type HandlerContext, type Interceptor } from "@connectrpc/connect";
import type { Deadline } from "../../domain/deadline.ts";
import { DomainError } from "../../domain/errors.ts";

const deadlineKey = createContextKey<Deadline | undefined>(undefined, { description: "the call's deadline" });

/** The deadline of the call that a handler answers. */
export function deadlineOf(context: HandlerContext): Deadline {
  const deadline = context.values.get(deadlineKey);
  if (!deadline) throw new Error("the deadline interceptor did not run");
  return deadline;
}

/**
 * Gives every unary call a deadline, the client's or `requestTimeoutMs`, whichever is sooner, and answers when it passes
 * even if the work goes on. A client that hangs up ends it as well. Streams live as long as their client wants.
 */
export function createDeadlineInterceptor(requestTimeoutMs: number): Interceptor {
  return (next) => async (request) => {
    if (request.stream) return await next(request);
    const controller = new AbortController();
    const deadline: Deadline = { signal: controller.signal, begun: false };
    request.contextValues.set(deadlineKey, deadline);

    const expired = Promise.withResolvers<never>();
    const expire = () => {
      const { begun } = deadline;
      controller.abort();
      expired.reject(new DomainError({ reason: "DEADLINE_EXCEEDED", begun }));
    };
    const timer = setTimeout(expire, requestTimeoutMs);
    request.signal.addEventListener("abort", expire, { once: true });
    if (request.signal.aborted) expire();
    try {
      return await Promise.race([next(request), expired.promise]);
    } finally {
      clearTimeout(timer);
      request.signal.removeEventListener("abort", expire);
    }
  };
}
