/**
 * Connect's handlers, as they should be: what is wrong with them (workarounds.ts) is set right between the request that the
 * plugin reads and the response that it writes.
 */
import { type ContextValues, createContextKey } from "@connectrpc/connect";
import type { FastifyReply } from "fastify";
import type { Publish } from "../../domain/publish.ts";
import type { TransportEvents } from "../events.ts";
import { receiveBody, streamBody } from "../request.ts";
import type { ShutdownNotices } from "../shutdown-notices.ts";
import { prefixBytes } from "./envelopes.ts";
import { boundStreamEnd, boundTrailer } from "./error-limits.ts";
import type { UniversalHandler, UniversalServerRequest, UniversalServerResponse } from "./internals.ts";
import { breakOff, checkTrailer, joinVary } from "./responses.ts";
import { asBinary, encodeText, isTextMode, receiveText, textHeader } from "./text-mode.ts";
import { dropAllowedLength, isReceivedWhole, mendError } from "./unary-pipeline.ts";
import { abandoned, answerBrokenText, dropEndlessTimeout, nameCompression, yieldOnce } from "./workarounds.ts";

interface PipelineOptions {
  readonly maxMessageBytes: number;
  readonly shutdown: ShutdownNotices;
  readonly publish: Publish<TransportEvents>;
}

const replyKey = createContextKey<FastifyReply | undefined>(undefined, { description: "the call's HTTP reply" });

/** Notes the reply of a call, which Connect's handlers do not pass on. */
export function setReply(values: ContextValues, reply: FastifyReply): void {
  values.set(replyKey, reply);
}

/**
 * Wraps a handler of Connect. The reply is hijacked.
 *
 * To report of connect-fastify: "If a handler rejects, the request is answered 200 with an empty body: the plugin does not
 * hijack the reply", and "an HTTP/2 response that breaks off looks complete, because it is destroyed without a code."
 */
export function mend(handler: UniversalHandler, options: PipelineOptions): UniversalHandler {
  const mended = async (received: UniversalServerRequest): Promise<UniversalServerResponse> => {
    const reply = received.contextValues?.get(replyKey);
    if (reply === undefined) throw new Error("the call's reply was not noted");
    try {
      return await answer(handler, received, reply, options);
    } catch (error) {
      if (error !== abandoned) breakOff(reply, handler.requestPath, error, options.publish);
      throw abandoned;
    }
  };
  return Object.assign(mended, handler);
}

async function answer(
  handler: UniversalHandler,
  received: UniversalServerRequest,
  reply: FastifyReply,
  options: PipelineOptions,
): Promise<UniversalServerResponse> {
  dropEndlessTimeout(received.header);
  const isUnary = handler.method.methodKind === "unary";
  if (isUnary) dropAllowedLength(received.header, options.maxMessageBytes);
  const body = await bodyOf(handler, reply, options);
  // The client has gone before its request was complete.
  if (body === undefined) throw abandoned;
  const isText = isTextMode(reply.request.headers["content-type"]);
  const taken = { ...(isText ? asBinary(received) : received), body };
  const outcome = await handler(taken).catch((error) => answerBrokenText(error, taken));
  // To report: "The error of a call whose client has gone is written to a response that has closed."
  if (received.signal.aborted && outcome.status !== 200) throw abandoned;
  const mended = nameCompression(isUnary ? await mendError(outcome) : outcome, received);
  const header = new Headers(mended.header);
  joinVary(header, reply);
  const limited = bounded(handler, mended);
  const whole = watched(isText ? encodeText(limited) : limited, handler, reply, options.publish);
  return { ...mended, header: isText ? textHeader(header) : header, body: whole };
}

/**
 * A request's body. Undefined if the client has gone before all of it has arrived.
 *
 * To report: "A body that an HTTP/2 client resets ends like one that is complete", and "pieces of a byte each take 200 times
 * their size".
 */
async function bodyOf(
  { method: { methodKind } }: UniversalHandler,
  { request, raw }: FastifyReply,
  { maxMessageBytes, shutdown }: PipelineOptions,
): Promise<AsyncIterable<Uint8Array> | undefined> {
  const maxBytes = maxMessageBytes + prefixBytes;
  const isText = isTextMode(request.headers["content-type"]);
  const isWhole = isText || (methodKind === "unary" && isReceivedWhole(request, maxBytes));
  if (!isWhole) return streamBody(request.raw, raw, shutdown);
  try {
    const body = await (isText ? receiveText : receiveBody)(request.raw, maxBytes, shutdown);
    return body && yieldOnce(body);
  } catch (error) {
    // Connect answers an error of the body in the call's own protocol.
    return { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(error) }) };
  }
}

/** A body whose errors, and those of its writing, are published. */
function watched(
  body: AsyncGenerator<Uint8Array>,
  handler: UniversalHandler,
  reply: FastifyReply,
  publish: Publish<TransportEvents>,
): AsyncIterable<Uint8Array> {
  const end = (error: unknown) => breakOff(reply, handler.requestPath, error, publish);
  // To report: "universalResponseToNodeResponse never settles when an HTTP/2 stream closes while a write waits for drain."
  reply.raw.once("close", () => reply.raw.emit("drain"));
  return {
    [Symbol.asyncIterator]: () => ({
      async next() {
        try {
          return await body.next();
        } catch (error) {
          end(error);
          throw abandoned;
        }
      },
      /** Called with what a write failed with, before the plugin looks at the error and its causes. */
      throw(error: unknown) {
        end(error);
        if (error instanceof Error)
          error.cause = Object.assign(new Error("published"), { code: "ERR_STREAM_DESTROYED" });
        return body.throw(error);
      },
      return: () => body.return(undefined),
    }),
  };
}

/**
 * The body, and at its end the trailer, with an error of bounded length.
 *
 * To report: "Errors repeat what the client sent at any length, also in trailers, which HTTP/2 limits", and "grpc-message is
 * encoded by encodeURIComponent: grpc-js does not decode all of that".
 */
async function* bounded(
  { method }: UniversalHandler,
  { header, body, trailer }: UniversalServerResponse,
): AsyncGenerator<Uint8Array> {
  const isEnveloped = method.methodKind !== "unary" || header?.get("content-type")?.startsWith("application/grpc");
  yield* body && isEnveloped ? boundStreamEnd(body) : (body ?? []);
  // It is there once the body has been read.
  if (!trailer) return;
  boundTrailer(trailer);
  checkTrailer(trailer);
}
