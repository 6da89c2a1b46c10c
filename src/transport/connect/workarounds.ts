/** What Connect and connect-fastify (2.2.0) do otherwise than they should, each with what there is to report upstream. */
import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import { compressionGzip } from "@connectrpc/connect-node";
import { connectTimeoutMs, grpcTimeoutMs, maxTimerMs } from "../../rpc/request-headers.ts";
import { joinEnvelopes, trailerEnvelope } from "./envelopes.ts";
import {
  parseGrpcWebType,
  setTrailerStatus,
  type UniversalServerRequest,
  type UniversalServerResponse,
} from "./internals.ts";

/**
 * The plugin ignores an error with this code: it stands for a client that has hung up.
 *
 * To report: "Errors while a response is written go to console.error and cannot be handled."
 */
export const abandoned = new ConnectError("the response cannot be written", Code.Aborted);

/** A body of one piece. */
export async function* yieldOnce(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
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
export function nameCompression(
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
 * The response to a gRPC or gRPC-Web call whose error repeats a lone surrogate, which the client's JSON can have.
 *
 * To report: "setTrailerStatus throws a URIError for a message with a lone surrogate, and the call has no response."
 */
export function answerBrokenText(thrown: unknown, { header }: UniversalServerRequest): UniversalServerResponse {
  const [type] = /^application\/grpc(?:-web)?[\w+]*/i.exec(header.get("content-type") ?? "") ?? [];
  if (!(thrown instanceof URIError) || type === undefined) throw thrown;
  const error = new ConnectError("the request has text that is not Unicode: a lone surrogate", Code.InvalidArgument);
  const trailer = setTrailerStatus(new Headers(), error);
  const response = { status: 200, header: new Headers({ "content-type": type }) };
  if (!parseGrpcWebType(type)) return { ...response, trailer };
  return { ...response, body: yieldOnce(joinEnvelopes(trailerEnvelope(trailer))) };
}
