/**
 * What Connect and connect-fastify (2.2.0) do otherwise than they should, each with what there is to report upstream.
 *
 * Most of it is done around Connect's handlers, between the request that the plugin reads and the response that it writes.
 */
import { validateHeaderValue } from "node:http";
import { constants, type Http2ServerResponse } from "node:http2";
import { gunzipSync } from "node:zlib";
import { Code, ConnectError, type ContextValues, createContextKey, type HandlerContext } from "@connectrpc/connect";
import { compressionGzip } from "@connectrpc/connect-node";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Logger } from "pino";
import { connectTimeoutMs, grpcTimeoutMs } from "../../rpc/timeout.ts";
import { boundJsonError, boundStreamEnd, boundTrailer, type JsonError } from "../error-limits.ts";
import type { RefusedBodies } from "../refused-bodies.ts";
import { receiveBody, streamBody } from "../request-body.ts";
import type { ShutdownNotices } from "../shutdown-notices.ts";
import type { UniversalHandler, UniversalServerRequest, UniversalServerResponse } from "./internals.ts";
import { asBinary, encodeText, isTextMode, receiveText, textHeader } from "./text-mode.ts";

export interface MendOptions {
  readonly maxMessageBytes: number;
  readonly refusedBodies: RefusedBodies;
  readonly shutdown: ShutdownNotices;
  readonly logger: Logger;
  /** Bodies that have been read already, by their requests. */
  readonly received?: WeakMap<object, AsyncIterable<Uint8Array>> | undefined;
}

/** The request and the reply of a call. */
interface Exchange {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

const exchangeKey = createContextKey<Exchange | undefined>(undefined, { description: "the call's HTTP exchange" });

/** Notes the request and the reply of a call, which Connect's handlers do not pass on. */
export function setExchange(values: ContextValues, exchange: Exchange): void {
  values.set(exchangeKey, exchange);
}

/** Wraps a handler of Connect so that its requests and responses are as they should be. */
export function mend(handler: UniversalHandler, options: MendOptions): UniversalHandler {
  const mended = async (received: UniversalServerRequest): Promise<UniversalServerResponse> => {
    const exchange = received.contextValues?.get(exchangeKey);
    if (exchange === undefined) throw new Error("the call's exchange was not noted");
    // Fastify would take an answer that it did not see for a missing one.
    exchange.reply.hijack();
    try {
      return await answer(handler, received, exchange, options);
    } catch (error) {
      if (error !== abandoned) endBadly(exchange, handler, error, options.logger);
      throw abandoned;
    }
  };
  return Object.assign(mended, handler);
}

async function answer(
  handler: UniversalHandler,
  received: UniversalServerRequest,
  exchange: Exchange,
  options: MendOptions,
): Promise<UniversalServerResponse> {
  const { header, signal } = received;
  dropEndlessTimeout(header);
  dropAllowedLength(header, options.maxMessageBytes);
  const body = await bodyOf(handler, exchange, options);
  // The client has gone before its request was complete.
  if (body === undefined) throw abandoned;
  const isText = isTextMode(exchange.request.headers["content-type"]);
  const outcome = await handler({ ...(isText ? asBinary(received) : received), body });
  // Too large a body has not been read to its end, and one that says so itself not at all.
  if (isText || handler.method.methodKind === "unary") options.refusedBodies.drop(exchange.request.raw);
  // An error that no client waits for.
  if (signal.aborted && outcome.status !== 200) throw abandoned;
  const mended = nameCompression(await mendError(outcome), received);
  const limited = bounded(handler, mended);
  if (!isText) return { ...mended, body: watched(limited, handler, exchange, options.logger) };
  const text = watched(encodeText(limited), handler, exchange, options.logger);
  return { ...mended, header: textHeader(mended.header), body: text };
}

/**
 * The plugin ignores an error with this code: it stands for a client that has hung up.
 *
 * To report: "Errors while a response is written go to console.error and cannot be handled."
 */
const abandoned = new ConnectError("the response cannot be written", Code.Aborted);

/** Ends a response that cannot be completed, so that no client takes a part for the whole. */
function endBadly({ reply: { raw } }: Exchange, { requestPath }: UniversalHandler, error: unknown, logger: Logger) {
  const isGone = raw.closed || raw.destroyed || raw.socket?.destroyed !== false;
  logger[isGone ? "debug" : "warn"]({ err: error, method: requestPath }, "an answer could not be written");
  // Of HTTP/2 a stream that is destroyed without a code looks complete.
  if ("stream" in raw) (raw as unknown as Http2ServerResponse).stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  else raw.destroy();
}

/** A body whose errors, and those of its writing, are logged. */
function watched(
  body: AsyncGenerator<Uint8Array>,
  handler: UniversalHandler,
  exchange: Exchange,
  logger: Logger,
): AsyncIterable<Uint8Array> {
  const { raw } = exchange.reply;
  // To report: "universalResponseToNodeResponse never settles when an HTTP/2 stream closes while a write waits for drain."
  raw.once("close", () => raw.emit("drain"));
  return {
    [Symbol.asyncIterator]: () => ({
      async next() {
        try {
          return await body.next();
        } catch (error) {
          endBadly(exchange, handler, error, logger);
          throw abandoned;
        }
      },
      /** Called with what a write failed with, before the plugin looks at the error and its causes. */
      throw(error: unknown) {
        endBadly(exchange, handler, error, logger);
        if (error instanceof Error) error.cause = Object.assign(new Error("logged"), { code: "ERR_STREAM_DESTROYED" });
        return body.throw(error);
      },
      return: () => body.return(undefined),
    }),
  };
}

/** What the protocols may put before a message. */
const envelopeBytes = 5;

/**
 * A request's body. That of a unary call is received as a whole before anything is done, so that nothing is begun for half a
 * request. Undefined if the client has gone before.
 *
 * To report: "A body that an HTTP/2 client resets ends like one that is complete", and "pieces of a byte each take 200 times
 * their size".
 */
async function bodyOf(
  { method }: UniversalHandler,
  { request }: Exchange,
  { maxMessageBytes, refusedBodies, shutdown, received }: MendOptions,
): Promise<AsyncIterable<Uint8Array> | undefined> {
  const { headers, raw } = request;
  const known = received?.get(raw);
  if (known !== undefined) return known;
  const maxBytes = maxMessageBytes + envelopeBytes;
  const isText = isTextMode(headers["content-type"]);
  // One that is too long by its own account is refused unread.
  const isWhole = method.methodKind === "unary" && request.method === "POST";
  const isUnread = !isWhole || Number(headers["content-length"] ?? 0) > maxBytes;
  if (isUnread && !isText) return streamBody(raw, refusedBodies, shutdown);
  try {
    const body = await (isText ? receiveText : receiveBody)(raw, maxBytes, shutdown);
    return body && yieldOnce(body);
  } catch (error) {
    return failWith(error);
  }
}

/** A body of one piece. */
export async function* yieldOnce(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** A body that fails: Connect answers with the error in the call's own protocol. */
export function failWith(error: unknown): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(error) }) };
}

/** The longest that Node's timers can wait: 24 days. What is longer they take for a millisecond. */
const maxTimerMs = 2 ** 31 - 1;

/**
 * Removes a timeout that would pass at once because it is so long. No call lives that long, so it asks for nothing.
 *
 * To report: "A timeout of more than 24 days passes at once."
 */
export function dropEndlessTimeout(header: Headers): void {
  if ((connectTimeoutMs(header.get("connect-timeout-ms") ?? "") ?? 0) > maxTimerMs) header.delete("connect-timeout-ms");
  if ((grpcTimeoutMs(header.get("grpc-timeout") ?? "") ?? 0) > maxTimerMs) header.delete("grpc-timeout");
}

/**
 * Removes an announced length. HTTP itself sees to it that a body has its length; one over the limit is left, for Connect to
 * refuse at once.
 *
 * To report: "A Content-Length sets aside as many bytes before the first one has arrived."
 */
export function dropAllowedLength(header: Headers, maxMessageBytes: number): void {
  if (Number(header.get("content-length")) <= maxMessageBytes) header.delete("content-length");
}

/**
 * Refuses a version of the Connect protocol that is not the one there is: the answer would be taken for another's.
 *
 * To report: "Another Connect-Protocol-Version than 1 is accepted unless the header is required of all clients." (Curl's
 * user need not name one.)
 */
export function checkConnectVersion({ protocolName, requestMethod, requestHeader, url }: HandlerContext): void {
  if (protocolName !== "connect") return;
  const [version, expected] =
    requestMethod === "GET"
      ? [new URL(url).searchParams.get("connect"), "v1"]
      : [requestHeader.get("connect-protocol-version"), "1"];
  if (version === null || version === expected) return;
  throw new ConnectError(`the version of the Connect protocol must be ${expected}`, Code.InvalidArgument);
}

/**
 * Gzip, with broken data as the client's fault.
 *
 * To report: "Truncated gzip is answered with internal; only some errors of zlib become invalid_argument."
 */
export const gzipOnly: typeof compressionGzip = {
  ...compressionGzip,
  async decompress(bytes, maxBytes) {
    try {
      return await compressionGzip.decompress(bytes, maxBytes);
    } catch (error) {
      const { code, rawMessage } = ConnectError.from(error);
      throw new ConnectError(rawMessage, code === Code.Internal ? Code.InvalidArgument : code);
    }
  },
};

/** The header that says how a request is compressed, and the one that says what is accepted, by protocol. */
const compressionHeaders = [
  ["grpc-encoding", "grpc-accept-encoding"],
  ["connect-content-encoding", "connect-accept-encoding"],
  ["content-encoding", "accept-encoding"],
] as const;

/**
 * Names the compression that is accepted in the refusal of another one.
 *
 * To report: "The refusal of an unknown compression lacks Grpc-Accept-Encoding: it is set as the error's metadata, from which
 * headers of the protocol are removed." (https://github.com/grpc/grpc/blob/master/doc/compression.md)
 */
function nameCompression(
  response: UniversalServerResponse,
  { header }: UniversalServerRequest,
): UniversalServerResponse {
  const refused = compressionHeaders.find(
    ([name]) => !["identity", gzipOnly.name].includes(header.get(name) ?? "identity"),
  );
  if (refused === undefined) return response;
  const mended = new Headers(response.header);
  mended.set(refused[1], gzipOnly.name);
  return { ...response, header: mended };
}

const undecodable = "parse binary: ";

/**
 * A response whose error is of bounded length. A Connect call whose binary is no message of its method is the client's
 * fault, 400 with `invalid_argument`, as it is for JSON. (For gRPC it is INTERNAL everywhere, and stays that.)
 *
 * To report: "Malformed binary of a unary call is answered with internal, malformed JSON with invalid_argument."
 */
async function mendError(response: UniversalServerResponse): Promise<UniversalServerResponse> {
  if (response.status < 400 || !response.body || !response.header) return response;
  const chunks: Uint8Array[] = [];
  for await (const chunk of response.body) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const header = new Headers(response.header);
  // Of a GET it could be kept.
  header.set("cache-control", "no-store");
  const text = (isPacked(header) ? gunzipSync(body) : body).toString();
  const error = boundJsonError(JSON.parse(text));
  const isClients = isUndecodable(error);
  const mendedText = JSON.stringify(isClients ? { ...error, code: "invalid_argument" } : error);
  if (mendedText === text) return { ...response, header, body: yieldOnce(body) };
  const mended = Buffer.from(mendedText);
  header.delete("content-encoding");
  header.set("content-length", String(mended.length));
  return { ...response, status: isClients ? 400 : response.status, header, body: yieldOnce(mended) };
}

const isPacked = (header: Headers) => header.get("content-encoding") === "gzip";

function isUndecodable({ code, message = "" }: JsonError): boolean {
  return code === "internal" && message.startsWith(undecodable);
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
  for (const [name, value] of trailer) validateHeaderValue(name, value);
}
