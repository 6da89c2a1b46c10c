/** What a call whose responses are a stream passes in place of the deadline, the errors and the log of a unary call. */
import { type DescMessage, type MessageShape, toBinary } from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  type ContextValues,
  createContextKey,
  type Interceptor,
  type StreamRequest,
} from "@connectrpc/connect";
import { DomainError, type Failure, retryDelayMs } from "../../domain/failure.ts";
import { applyHeaders } from "../response-headers.ts";
import { connectErrorFor } from "../status.ts";
import { readOnlyMessage, type StreamProtocol } from "../streams/only-message.ts";
import { type OpenStream, openStream } from "../streams/open-stream.ts";
import { countUnsent } from "../streams/unsent-bytes.ts";
import { clientTimeoutMs } from "../timeout.ts";
import { errorOfAbort, setDeadline } from "./deadline.ts";
import { type ReportError, toConnectError } from "./errors.ts";
import type { LogCall } from "./log.ts";

export interface ServerStreamOptions {
  readonly logCall: LogCall;
  readonly report: ReportError;
  /** Aborts when streams have to end because the service is about to stop. */
  readonly draining: AbortSignal;
  /** Bytes of messages, of all streams together, that wait for their clients to take them. */
  readonly maxUnsentBytes: number;
}

const streamKey = createContextKey<OpenStream | undefined>(undefined, { description: "the stream of responses" });

/** The stream of a call, for interceptors further in. */
export function streamOf(values: ContextValues): OpenStream {
  const stream = values.get(streamKey);
  if (!stream) throw new Error("the interceptor of streams did not run");
  return stream;
}

/** The error with which a stream ends for a failure. */
export function streamError(failure: Failure): ConnectError {
  return connectErrorFor(new DomainError(failure), { repeatable: false, isStream: true });
}

/**
 * Reads the one request message, passes the call on, and forwards the responses until the stream ends: by its handler, its
 * client, the client's deadline, a limit or a shutdown. Every end is one line in the log.
 */
export function createServerStreamInterceptor(options: ServerStreamOptions): Interceptor {
  const { logCall, report, draining } = options;
  const unsent = countUnsent(options.maxUnsentBytes, () => streamError({ reason: "OVERLOADED", retryDelayMs }));
  const open = new Set<OpenStream>();
  const endByShutdown = (stream: OpenStream) =>
    stream.end(streamError({ reason: "SHUTTING_DOWN", begun: false, retryDelayMs }));
  // One listener for all streams: adding one to an event target takes longer the more it has.
  draining.addEventListener("abort", () => {
    for (const stream of open) endByShutdown(stream);
  });

  function begin(request: StreamRequest) {
    const { signal, contextValues: values, header } = request;
    const startedAtMs = performance.now();
    const fields = { protocol: protocolOf(header), messages: 0 };
    const onClosed = (error: unknown) => {
      open.delete(stream);
      logCall({ request, startedAtMs, error, fields });
    };
    const stream = openStream({ signal, values, unsent, reasonOf: callerErrorOf, onClosed });
    open.add(stream);
    if (draining.aborted) endByShutdown(stream);
    values.set(streamKey, stream);
    setDeadline(values, {
      signal: stream.signal,
      expiresAtMs: startedAtMs + clientTimeoutMs(header),
      onProgress: () => {},
    });
    return { stream, fields };
  }

  async function run(request: StreamRequest, next: ReturnType<Interceptor>) {
    const { stream, fields } = begin(request);
    const toCallerError = (error: unknown) => toConnectError(error, request, report);
    const start = async () => {
      const message = await readOnlyMessage(request.message, fields.protocol);
      stream.signal.throwIfAborted();
      return await next({ ...request, signal: stream.signal, message });
    };
    try {
      const response = await unlessAborted(start(), stream.signal);
      if (!response.stream) throw new Error("an interceptor has answered a stream with one message");
      applyHeaders(request.contextValues, response.header);
      const messages = mapErrors(response.message, toCallerError);
      const forwarded = stream.forward(messages, (message) => sizeOf(request.method.output, message));
      return { ...response, message: counted(forwarded, () => fields.messages++) };
    } catch (cause) {
      const error = toCallerError(cause);
      stream.close(error);
      throw error;
    }
  }

  // Not async: each promise around a unary call costs.
  return (next) => (request) => (request.stream ? run(request, next) : next(request));
}

/** What the caller gets when the call's signal has aborted; a consumer that stops without that has lost its client. */
function callerErrorOf(reason: unknown): unknown {
  if (reason === undefined) return new ConnectError("the client has gone away", Code.Canceled);
  const error = errorOfAbort(reason, false);
  return error instanceof DomainError ? streamError(error.failure) : error;
}

function protocolOf(header: Headers): StreamProtocol {
  const type = header.get("content-type") ?? "";
  if (type.startsWith("application/grpc-web")) return "grpc-web";
  return type.startsWith("application/grpc") ? "grpc" : "connect";
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

async function* counted<Message>(messages: AsyncIterable<Message>, count: () => void) {
  for await (const message of messages) {
    count();
    yield message;
  }
}
