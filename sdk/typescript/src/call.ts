/** One call with all of its attempts. */
import type { DescMethodUnary, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import type { Transport } from "@connectrpc/connect";
import { toFrontrowError } from "./convert-error.ts";
import { Unauthenticated } from "./gen/errors.ts";
import { isRetryable, type RetryPolicy, waitMsAfter } from "./retry.ts";
import type { TokenCache } from "./token.ts";
import { delay, within } from "./wait.ts";

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
  /** Cancels the call, which then rejects with the signal's reason. */
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
  const deadline = performance.now() + timeoutMs;
  let isRefreshed = false;
  let attempt = 1;
  for (;;) {
    signal?.throwIfAborted();
    const sent = token?.get();
    const bearer = sent && (await within(deadline - performance.now(), sent, signal, "the token source"));
    try {
      const header = bearer === undefined ? undefined : { authorization: `Bearer ${bearer}` };
      // The protocols have whole milliseconds, and Connect takes 0 for no timeout.
      const attemptMs = Math.max(1, Math.ceil(Math.min(attemptTimeoutMs, deadline - performance.now())));
      const { message } = await transport.unary(method, signal, attemptMs, header, request);
      return message as MessageShape<Method["output"]>;
    } catch (thrown) {
      signal?.throwIfAborted();
      const error = toFrontrowError(thrown, address);
      if (error instanceof Unauthenticated && !isRefreshed && sent && token?.refuse(sent)) {
        isRefreshed = true;
        continue;
      }
      if (attempt >= retry.maxAttempts || !isRetryable(error, method)) throw error;
      const waitMs = waitMsAfter(attempt, error, retry);
      if (performance.now() + waitMs >= deadline) throw error;
      await delay(waitMs, signal);
      attempt += 1;
    }
  }
}
