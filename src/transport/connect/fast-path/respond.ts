/**
 * One call of the fast path, from its headers to its response: what Connect's handlers do, in their order. ETag, If-None-Match
 * and If-Match of Connect GET (connect.ts) are the fast path's own.
 */
import { Code, ConnectError } from "@connectrpc/connect";
import type { Publish } from "../../../domain/publish.ts";
import { createCallContext } from "../../../rpc/call-context.ts";
import type { TransportEvents } from "../../events.ts";
import { arrivalOf, readHeaders, receiveBody, urlOf } from "../../request.ts";
import type { ShutdownNotices } from "../../shutdown-notices.ts";
import type { Call } from "../../unary.ts";
import { tooLarge } from "../envelopes.ts";
import { shortError } from "../error-limits.ts";
import { type Compression, compressionNegotiate } from "../internals.ts";
import { breakOff } from "../responses.ts";
import { checkVersion, dropEndlessTimeout } from "../workarounds.ts";
import type { AnyMessage } from "./codec.ts";
import type { Encodings, Exchange, Form, OwnedRequest } from "./protocol.ts";

export interface RespondContext {
  /** What requests and responses may be compressed with. */
  readonly compression: Compression;
  /** The largest message, before and after decompression. */
  readonly maxMessageBytes: number;
  /** Aborts the signals of all calls under way. */
  readonly shutdown: ShutdownNotices;
  readonly publish: Publish<TransportEvents>;
}

/** A whole body, or the error that refuses it. */
type Received = { readonly bytes: Uint8Array } | { readonly error: unknown };

/** Answers a request whose reply is hijacked. Settles when the response is on its way; never rejects. */
export async function respond(owned: OwnedRequest, context: RespondContext): Promise<void> {
  const { method, form, reply } = owned;
  try {
    const received = await receive(owned, context);
    // The client has disconnected.
    if (received === undefined) return;
    const encodings = negotiate(owned, context.compression);
    const header = new Headers();
    header.set("content-type", form.contentType);
    const exchange = { ...owned, header, trailer: new Headers(), encodings };
    form.protocol.open(exchange);
    let message: AnyMessage | undefined;
    let bytes: Uint8Array;
    let isStarted = false;
    const onStart = () => {
      isStarted = true;
    };
    try {
      message = await call(exchange, received, onStart);
      bytes = method.codec.serialize(form.isJson, message);
    } catch (error) {
      publishUnseen(owned, error, isStarted, message !== undefined, context.publish);
      return await form.protocol.fail(exchange, asConnectError(error));
    }
    await form.protocol.succeed(exchange, bytes, message);
  } catch (error) {
    breakOff(reply, method.path, error, context.publish);
  }
}

/** Publishes an error that no interceptor has: they make a ConnectError of each that they see. */
function publishUnseen(
  { method: { path }, reply: { request } }: OwnedRequest,
  error: unknown,
  isStarted: boolean,
  isAnswered: boolean,
  publish: Publish<TransportEvents>,
): void {
  const { id: requestId, method } = request;
  // A response is serialized outside of the interceptors.
  if (isAnswered || !(error instanceof ConnectError)) {
    publish("transport.call_failed", { requestId, method: path, error });
  } else if (!isStarted && error.code !== Code.Canceled) {
    // Canceled: the client has gone.
    publish("transport.request_refused", { requestId, method, route: path, code: Code[error.code] });
  }
}

const emptyBody = { bytes: Buffer.alloc(0) };

/** The whole body; undefined if the client goes before it is complete. */
async function receive(
  { form: { protocol, query }, reply: { request } }: OwnedRequest,
  { maxMessageBytes, shutdown }: RespondContext,
): Promise<Received | undefined> {
  if (query) return emptyBody;
  const { maxBodyBytes } = protocol;
  const announcedBytes = Number(request.headers["content-length"] ?? 0);
  try {
    if (announcedBytes > maxBodyBytes) throw tooLarge(maxMessageBytes, protocol.messageBytes(announcedBytes));
    const bytes = await receiveBody(request.raw, maxBodyBytes, shutdown);
    return bytes && { bytes };
  } catch (error) {
    return { error };
  }
}

const noEncodings: Encodings = { request: null, response: null };

/** What the request is compressed with, and what the response may be; an error if the former is unknown. */
function negotiate({ form: { protocol, query }, reply }: OwnedRequest, known: Compression): Encodings {
  const { acceptHeader } = protocol;
  const { headers } = reply.request;
  const encoding = query ? (query.get("compression") ?? undefined) : headers[protocol.encodingHeader];
  const accepted = headers[acceptHeader];
  if (encoding === undefined && accepted === undefined) return noEncodings;
  return compressionNegotiate([known], encoding?.toString() ?? null, accepted?.toString() ?? null, acceptHeader);
}

/**
 * Calls the method. Throws a ConnectError for a request that its headers or its body make none, and what the handler throws.
 * The order is Connect's.
 */
async function call(exchange: Exchange, received: Received, onStart: () => void): Promise<AnyMessage> {
  const { method, form, reply } = exchange;
  const { request } = reply;
  const { protocol } = form;
  const header = readHeaders(request.headers);
  if (protocol.name === "connect") checkVersion(request.method, form.query ?? header);
  if (exchange.encodings.error) throw exchange.encodings.error;
  const timeoutMs = takeTimeout(header, form);
  if ("error" in received) throw received.error;

  let started: Call | undefined;
  let isGone = false;
  // The response closes when it is complete, and before that only if the client has disconnected.
  reply.raw.once("close", () => {
    isGone = true;
    started?.cancel();
  });
  const message = await protocol.read(exchange, received.bytes);
  if (isGone) throw new ConnectError("the client has gone away", Code.Canceled);
  onStart();
  started = method.startCall(message, {
    protocolName: protocol.name,
    url: urlOf(request),
    httpMethod: request.method,
    header,
    timeoutMs,
    responseHeader: exchange.header,
    responseTrailer: exchange.trailer,
    contextValues: createCallContext(arrivalOf(request, protocol.name)),
  });
  return await started.answer;
}

/** The client's timeout, unless it is longer than any call lasts. */
function takeTimeout(header: Headers, { protocol }: Form): number | undefined {
  if (!header.has(protocol.timeoutHeader)) return undefined;
  dropEndlessTimeout(header);
  const { timeoutMs, error } = protocol.parseTimeout(header.get(protocol.timeoutHeader));
  if (error) throw error;
  return timeoutMs;
}

/** An error of a handler is a ConnectError by now, made and published by an interceptor. */
function asConnectError(error: unknown): ConnectError {
  if (error instanceof ConnectError) return shortError(error);
  return new ConnectError("internal error", Code.Internal, undefined, undefined, error);
}
