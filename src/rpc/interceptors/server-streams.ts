/** What a call whose responses are a stream passes: in place of the interceptor of unary calls, and its limits. */
import { type DescMessage, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, createContextKey, type Interceptor, type StreamRequest } from "@connectrpc/connect";
import { tokenExpired } from "../../auth/tokens.ts";
import { DomainError, type Failure, retryDelayMs } from "../../domain/failure.ts";
import type { Publish } from "../../domain/publish.ts";
import { type ConcurrencyLimits, createConcurrencyLimit } from "../../limits/concurrency-limit.ts";
import { applyResponseHeaders, callerOf, originOf, setDeadline, traceOf } from "../call-context.ts";
import type { RpcEvents } from "../events.ts";
import { clientTimeoutMs } from "../request-headers.ts";
import { readOnlyMessage } from "../request-message.ts";
import { connectErrorFor } from "../status.ts";
import { type OpenStream, openStream } from "../streams/open-stream.ts";
import { countUnsent } from "../streams/unsent-bytes.ts";
import { errorOfAbort, finishedCall, toConnectError } from "./errors.ts";
import type { LimitKeysOf } from "./limit-keys.ts";

const streamKey = createContextKey<OpenStream | undefined>(undefined, { description: "the stream of responses" });

/** The error with which a stream ends for a failure. */
function streamError(failure: Failure): ConnectError {
  return connectErrorFor(new DomainError(failure), { repeatable: false, isStream: true });
}

/**
 * Reads the one request message, passes the call on, and forwards the responses until the stream ends: by its handler, its
 * client, the client's deadline, a limit or a shutdown. Each end is published. `maxUnsentBytes` is for all streams together.
 */
export function createServerStreamInterceptor(
  publish: Publish<RpcEvents>,
  draining: AbortSignal,
  maxUnsentBytes: number,
): Interceptor {
  const unsent = countUnsent(maxUnsentBytes, () => streamError({ reason: "OVERLOADED", retryDelayMs }));
  const open = new Set<OpenStream>();
  const endByShutdown = (stream: OpenStream) =>
    stream.end(streamError({ reason: "SHUTTING_DOWN", begun: false, retryDelayMs }));
  // One listener for all streams: adding one to an event target takes longer the more it has.
  draining.addEventListener("abort", () => {
    for (const stream of open) endByShutdown(stream);
  });

  function begin(request: StreamRequest) {
    const { service, method, signal, contextValues: values, header } = request;
    const startedAtMs = performance.now();
    const onClosed = (error: unknown, messages: number) => {
      open.delete(stream);
      publish("rpc.call_finished", finishedCall(request, startedAtMs, error, messages));
    };
    const stream = openStream({ signal, values, unsent, reasonOf: clientErrorOf, onClosed });
    open.add(stream);
    const { protocol } = originOf(values);
    publish("rpc.stream_opened", { service: service.typeName, method: method.name, protocol });
    if (draining.aborted) endByShutdown(stream);
    values.set(streamKey, stream);
    setDeadline(values, {
      signal: stream.signal,
      expiresAtMs: startedAtMs + clientTimeoutMs(header),
      trace: traceOf(values),
      onProgress: () => {},
    });
    return { stream, protocol };
  }

  async function run(request: StreamRequest, next: ReturnType<Interceptor>) {
    const { stream, protocol } = begin(request);
    const toClientError = (error: unknown) => toConnectError(error, request, publish);
    const start = async () => {
      const message = await readOnlyMessage(request.message, protocol);
      stream.signal.throwIfAborted();
      return await next({ ...request, signal: stream.signal, message });
    };
    try {
      const response = await unlessAborted(start(), stream.signal);
      if (!response.stream) throw new Error("an interceptor has answered a stream with one message");
      applyResponseHeaders(request.contextValues, response.header);
      const messages = mapErrors(response.message, toClientError);
      return { ...response, message: stream.forward(messages, (each) => sizeOf(request.method.output, each)) };
    } catch (cause) {
      const error = toClientError(cause);
      stream.close(error);
      throw error;
    }
  }

  // Not async: each promise around a unary call costs.
  return (next) => (request) => (request.stream ? run(request, next) : next(request));
}

/** Streams that were opened at the same time must not all end at the same time: each ends up to this part earlier. */
const jitter = 0.1;

/**
 * Bounds the open streams of each caller and of the process, before a call is authorized. Ends a stream at its longest
 * duration, and when the caller's token expires.
 */
export function createStreamLimitInterceptor(
  limitKeysOf: LimitKeysOf,
  limits: ConcurrencyLimits,
  longestMs: number,
  publish: Publish<RpcEvents>,
): Interceptor {
  const openStreams = createConcurrencyLimit(limits);
  const limit = (request: StreamRequest) => {
    const stream = request.contextValues.get(streamKey);
    if (!stream) throw new Error("the interceptor of streams did not run");
    const permit = openStreams.tryAcquire(limitKeysOf(request));
    if (typeof permit === "string") {
      publish("rpc.concurrency_limited", { of: "streams", by: permit });
      if (permit === "process") throw new DomainError({ reason: "OVERLOADED", retryDelayMs });
      const problem = `at most ${limits[permit]} streams of one ${permit} can be open: close one first`;
      throw new DomainError({ reason: "RATE_LIMITED", problem, retryDelayMs });
    }
    stream.onRelease(permit.release);
    stream.endAfter(longestMs * (1 - jitter * Math.random()), streamError({ reason: "STREAM_EXPIRED", retryDelayMs }));
    const { expiresAtMs } = callerOf(request.contextValues);
    if (expiresAtMs === undefined) return;
    const expired = streamError({ reason: "UNAUTHENTICATED", problem: tokenExpired });
    stream.endAfter(expiresAtMs - Date.now(), expired);
  };
  return (next) => (request) => {
    if (request.stream) limit(request);
    return next(request);
  };
}

/** The client's error when the call's signal has aborted. A consumer that stops without that has lost its client. */
function clientErrorOf(reason: unknown): unknown {
  if (reason === undefined) return new ConnectError("the client has gone away", Code.Canceled);
  const error = errorOfAbort(reason, false);
  return error instanceof DomainError ? streamError(error.failure) : error;
}

const sizes = new WeakMap<object, number>();

/** The size of a message in bytes. Many streams may send the same one. */
function sizeOf(schema: DescMessage, message: MessageShape<DescMessage>): number {
  const size = sizes.get(message) ?? toBinary(schema, message).length;
  sizes.set(message, size);
  return size;
}

function unlessAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

async function* mapErrors<Message>(messages: AsyncIterable<Message>, map: (error: unknown) => unknown) {
  try {
    yield* messages;
  } catch (error) {
    throw map(error);
  }
}
