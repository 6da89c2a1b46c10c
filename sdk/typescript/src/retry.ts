/** Which failed attempts are repeated, and when. */
import type { DescMethod, Message } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel as IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import type { FrontrowError } from "./error.ts";

/** How failed attempts are repeated. */
export interface RetryPolicy {
  /** Attempts of one call in all; 1 for no repetition. By default 4. */
  readonly maxAttempts: number;
  /** The longest random wait before the second attempt. By default 100 ms. Each further one is three times as long. */
  readonly initialBackoffMs: number;
  /** The longest random wait before any attempt. By default 2 s. */
  readonly maxBackoffMs: number;
}

export const defaultRetry: RetryPolicy = { maxAttempts: 4, initialBackoffMs: 100, maxBackoffMs: 2_000 };
const backoffFactor = 3;

/** The key of a change that can be repeated safely; undefined for a request without one. */
export function keyOf(request: Message): string | undefined {
  const { requestId } = request as Message & { readonly requestId?: string };
  return requestId === "" ? undefined : requestId;
}

/** Whether an attempt that failed may be repeated. */
export function isRetryable(
  { code, retryDelayMs, idempotencyKey }: FrontrowError,
  { idempotency }: DescMethod,
): boolean {
  // The service sends a delay only if repeating is safe.
  if (retryDelayMs !== undefined) return true;
  const isRepeatable =
    idempotency === IdempotencyLevel.NO_SIDE_EFFECTS ||
    idempotency === IdempotencyLevel.IDEMPOTENT ||
    idempotencyKey !== undefined;
  return isRepeatable && (code === "UNAVAILABLE" || code === "DEADLINE_EXCEEDED");
}

/** How long to wait after an attempt: the service's delay, and a random time so that clients do not repeat at once. */
export function waitMsAfter(attempt: number, { retryDelayMs = 0 }: FrontrowError, policy: RetryPolicy): number {
  const longest = Math.min(policy.maxBackoffMs, policy.initialBackoffMs * backoffFactor ** (attempt - 1));
  return retryDelayMs + Math.random() * longest;
}
