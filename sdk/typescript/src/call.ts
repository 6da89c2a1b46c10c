/** One call with all of its attempts. */
import { create, type DescMethodUnary, type MessageInitShape, type MessageShape, toBinary } from "@bufbuild/protobuf";
import type { Transport } from "@connectrpc/connect";
import { toFrontrowError } from "./convert-error.ts";
import { TokenSourceFailed } from "./error.ts";
import { DeadlineExceeded } from "./gen/errors.ts";
import { checkPositive } from "./options.ts";
import { isRetryable, keyOf, type RetryPolicy, waitMsAfter } from "./retry.ts";
import type { TokenCache } from "./token.ts";
import { delay, longestTimerMs, TimedOut, within } from "./wait.ts";

/** What the calls of a client have in common. */
export interface CallSettings {
  readonly address: string;
  readonly transport: Transport;
  readonly token: TokenCache | undefined;
  readonly timeoutMs: number;
  readonly attemptTimeoutMs: number;
  readonly retry: RetryPolicy;
}

/** What one call may set. */
export interface CallOptions {
  /** Cancels the call, which then rejects with the signal's reason. A change may have been stored. */
  readonly signal?: AbortSignal | undefined;
  /** How long the call may take with all of its attempts. By default the client's `timeoutMs`. */
  readonly timeoutMs?: number | undefined;
}

/** Calls a method until an attempt succeeds, its error is final, or the deadline passes. */
export async function call<Method extends DescMethodUnary>(
  settings: CallSettings,
  method: Method,
  request: MessageInitShape<Method["input"]>,
  options: CallOptions = {},
): Promise<MessageShape<Method["output"]>> {
  const { address, transport, token, retry, attemptTimeoutMs } = settings;
  const { signal, timeoutMs = settings.timeoutMs } = options;
  checkPositive("timeoutMs", timeoutMs);
  const input = create(method.input, request);
  // Values that the schema cannot hold fail here. In an attempt their errors would look like those of a lost connection.
  toBinary(method.input, input);
  const idempotencyKey = keyOf(input);
  let sent = token?.get();
  // After the time of the token source has begun: the next call must not wait for a source that did not return in time.
  const deadline = performance.now() + timeoutMs;
  let isRefreshed = false;
  let attempt = 1;
  for (;;) {
    signal?.throwIfAborted();
    const bearer = sent && (await bearerOf(sent, deadline, signal, idempotencyKey));
    try {
      const header = bearer === undefined ? undefined : { authorization: `Bearer ${bearer}` };
      const attemptMs = Math.min(attemptTimeoutMs, deadline - performance.now(), longestTimerMs);
      // The protocols have whole milliseconds, and Connect takes 0 for no timeout.
      const { message } = await transport.unary(method, signal, Math.max(1, Math.ceil(attemptMs)), header, input);
      return message as MessageShape<Method["output"]>;
    } catch (thrown) {
      signal?.throwIfAborted();
      const error = toFrontrowError(thrown, { address, idempotencyKey });
      // A gateway before the service may refuse it, too.
      if (error.code === "UNAUTHENTICATED" && !isRefreshed && sent && token?.refuse(sent)) {
        isRefreshed = true;
        sent = token.get();
        continue;
      }
      if (attempt >= retry.maxAttempts || !isRetryable(error, method)) throw error;
      const waitMs = waitMsAfter(attempt, error, retry);
      if (performance.now() + waitMs >= deadline) throw error;
      await delay(waitMs, signal);
      attempt += 1;
      sent = token?.get();
    }
  }
}

/** The text of a token. Several calls may wait for it, and each has its own error. */
async function bearerOf(
  token: Promise<string>,
  deadline: number,
  signal: AbortSignal | undefined,
  idempotencyKey: string | undefined,
): Promise<string> {
  try {
    return await within(deadline - performance.now(), token, signal, "the token source");
  } catch (cause) {
    signal?.throwIfAborted();
    if (cause instanceof TimedOut) {
      const { message } = cause;
      throw new DeadlineExceeded({ code: "DEADLINE_EXCEEDED", reason: "DEADLINE_EXCEEDED", message, idempotencyKey });
    }
    const message = `the token source failed: ${cause instanceof Error ? cause.message : String(cause)}`;
    throw new TokenSourceFailed({ code: "UNAUTHENTICATED", message, cause, idempotencyKey });
  }
}
