/**
 * What Connect and connect-fastify (2.2.0) do otherwise than they should, each with what there is to report upstream.
 *
 * Most of it is done around Connect's handlers, between the request that the plugin reads and the response that it writes.
 */
import { gunzipSync } from "node:zlib";
import { Code, ConnectError, type ContextValues, createContextKey, type HandlerContext } from "@connectrpc/connect";
import { compressionGzip } from "@connectrpc/connect-node";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Logger } from "pino";
import { connectTimeoutMs, grpcTimeoutMs, maxTimerMs } from "../../rpc/request-headers.ts";
import { type BodyOptions, bodyOf, dropAllowedLength, yieldOnce } from "./bodies.ts";
import { endBadly } from "./end-badly.ts";
import { joinEnvelopes } from "./envelope.ts";
import { boundJsonError, boundStreamEnd, boundTrailer } from "./error-limits.ts";
import {
  codeFromString,
  parseGrpcWebType,
  setTrailerStatus,
  trailerFlag,
  trailerSerialize,
  type UniversalHandler,
  type UniversalServerRequest,
  type UniversalServerResponse,
} from "./internals.ts";
import { asBinary, encodeText, isTextMode, textHeader } from "./text-mode.ts";
import { checkTrailer } from "./trailers.ts";
import { joinVary } from "./vary.ts";

export interface MendOptions extends BodyOptions {
  readonly logger: Logger;
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

/**
 * Wraps a handler of Connect so that its requests and responses are as they should be. The reply is hijacked.
 *
 * To report of connect-fastify: "If a handler rejects, the request is answered 200 with an empty body: the plugin does not
 * hijack the reply", and "an HTTP/2 response that breaks off looks complete, because it is destroyed without a code."
 */
export function mend(handler: UniversalHandler, options: MendOptions): UniversalHandler {
  const mended = async (received: UniversalServerRequest): Promise<UniversalServerResponse> => {
    const exchange = received.contextValues?.get(exchangeKey);
    if (exchange === undefined) throw new Error("the call's exchange was not noted");
    try {
      return await answer(handler, received, exchange, options);
    } catch (error) {
      if (error !== abandoned) endBadly(exchange.reply, handler.requestPath, error, options.logger);
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
  dropEndlessTimeout(received.header);
  dropAllowedLength(received.header, options.maxMessageBytes);
  const { request } = exchange;
  const isUnary = handler.method.methodKind === "unary";
  const body = await bodyOf(request, isUnary, options);
  // The client has gone before its request was complete.
  if (body === undefined) throw abandoned;
  const isText = isTextMode(request.headers["content-type"]);
  const taken = { ...(isText ? asBinary(received) : received), body };
  const outcome = await handler(taken).catch((error) => answerOfBrokenText(error, taken));
  // Too large a body has not been read to its end, and one that is refused for its headers not at all.
  if (isText || isUnary || !request.raw.readableDidRead) options.refusedBodies.drop(request.raw);
  // To report: "The error of a call whose client has gone is written to a response that has closed."
  if (received.signal.aborted && outcome.status !== 200) throw abandoned;
  const mended = nameCompression(await mendError(outcome), received);
  const header = new Headers(mended.header);
  joinVary(header, exchange.reply);
  const limited = bounded(handler, mended);
  const whole = watched(isText ? encodeText(limited) : limited, handler, exchange, options.logger);
  return { ...mended, header: isText ? textHeader(header) : header, body: whole };
}

/**
 * The plugin ignores an error with this code: it stands for a client that has hung up.
 *
 * To report: "Errors while a response is written go to console.error and cannot be handled."
 */
const abandoned = new ConnectError("the response cannot be written", Code.Aborted);

/**
 * The response to a gRPC or gRPC-Web call whose error repeats a lone surrogate, which the client's JSON can have.
 *
 * To report: "setTrailerStatus throws a URIError for a message with a lone surrogate, and the call has no response."
 */
function answerOfBrokenText(thrown: unknown, { header }: UniversalServerRequest): UniversalServerResponse {
  const [type] = /^application\/grpc(?:-web)?[\w+]*/i.exec(header.get("content-type") ?? "") ?? [];
  if (!(thrown instanceof URIError) || type === undefined) throw thrown;
  const error = new ConnectError("the request has text that is not Unicode: a lone surrogate", Code.InvalidArgument);
  const trailer = setTrailerStatus(new Headers(), error);
  const response = { status: 200, header: new Headers({ "content-type": type }) };
  if (!parseGrpcWebType(type)) return { ...response, trailer };
  return { ...response, body: yieldOnce(joinEnvelopes({ flags: trailerFlag, data: trailerSerialize(trailer) })) };
}

/** A body whose errors, and those of its writing, are logged. */
function watched(
  body: AsyncGenerator<Uint8Array>,
  handler: UniversalHandler,
  exchange: Exchange,
  logger: Logger,
): AsyncIterable<Uint8Array> {
  const { reply } = exchange;
  const end = (error: unknown) => endBadly(reply, handler.requestPath, error, logger);
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
        if (error instanceof Error) error.cause = Object.assign(new Error("logged"), { code: "ERR_STREAM_DESTROYED" });
        return body.throw(error);
      },
      return: () => body.return(undefined),
    }),
  };
}

/**
 * Removes a timeout that would pass at once because it is so long. No call lives that long, so the client does not miss it.
 *
 * To report: "A timeout of more than 24 days passes at once."
 */
export function dropEndlessTimeout(header: Headers): void {
  if ((connectTimeoutMs(header.get("connect-timeout-ms") ?? "") ?? 0) > maxTimerMs) header.delete("connect-timeout-ms");
  if ((grpcTimeoutMs(header.get("grpc-timeout") ?? "") ?? 0) > maxTimerMs) header.delete("grpc-timeout");
}

/**
 * Refuses a call by another version of the Connect protocol than there is: its response would be taken for another one's.
 *
 * To report: "Another Connect-Protocol-Version than 1 is accepted unless the header is required of all clients." (A user of
 * curl need not name one.)
 */
export function checkConnectVersion(
  context: Pick<HandlerContext, "protocolName" | "requestMethod" | "requestHeader" | "url">,
): void {
  const { protocolName, requestMethod, requestHeader, url } = context;
  if (protocolName !== "connect") return;
  checkVersion(requestMethod, requestMethod === "GET" ? new URL(url).searchParams : requestHeader);
}

/** Refuses another version of the Connect protocol: a GET names it in its query, a POST in its headers. */
export function checkVersion(requestMethod: string, fields: Headers | URLSearchParams): void {
  const [name, expected] = requestMethod === "GET" ? ["connect", "v1"] : ["connect-protocol-version", "1"];
  const version = fields.get(name);
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

/** Whether a request's binary is no message of its method. */
export function isUndecodable(code: Code | undefined, message = ""): boolean {
  return code === Code.Internal && message.startsWith("parse binary: ");
}

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
  // To report: "A cache may keep the error response to a GET: it lacks Cache-Control: no-store."
  header.set("cache-control", "no-store");
  const text = (isPacked(header) ? gunzipSync(body) : body).toString();
  const error = boundJsonError(JSON.parse(text));
  const isClients = isUndecodable(codeFromString(error.code), error.message);
  const mendedText = JSON.stringify(isClients ? { ...error, code: "invalid_argument" } : error);
  if (mendedText === text) return { ...response, header, body: yieldOnce(body) };
  const mended = Buffer.from(mendedText);
  header.delete("content-encoding");
  header.set("content-length", String(mended.length));
  return { ...response, status: isClients ? 400 : response.status, header, body: yieldOnce(mended) };
}

const isPacked = (header: Headers) => header.get("content-encoding") === "gzip";

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
