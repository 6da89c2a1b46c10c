/** gRPC as its clients speak it: binary messages, not compressed, over HTTP/2. */
import type { OutgoingHttpHeaders } from "node:http";
import { compressedFlag } from "@connectrpc/connect/protocol";
import { contentTypeProto, grpcStatusOk, setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import { grpcTimeoutMs } from "../../rpc/timeout.ts";
import { boundTrailer } from "../error-limits.ts";
import { answerHeaders, compressed, type DirectProtocol, type Exchange, hasPlainHost } from "./protocol.ts";

/** Before a message: whether it is compressed, and its length. */
const prefixBytes = 5;
const plainTypes: ReadonlySet<string | undefined> = new Set(["application/grpc", contentTypeProto]);
const binary = { isBinary: true };

export const directGrpc: DirectProtocol = {
  name: "grpc",
  acceptHeader: "grpc-accept-encoding",

  formatOf(request) {
    const { headers, method, raw } = request;
    const { "grpc-encoding": encoding = "identity", "grpc-timeout": timeout } = headers;
    const isPlain =
      raw.httpVersionMajor === 2 &&
      method === "POST" &&
      plainTypes.has(headers["content-type"]) &&
      encoding === "identity" &&
      (timeout === undefined || grpcTimeoutMs(String(timeout)) !== undefined) &&
      hasPlainHost(request);
    return isPlain ? binary : undefined;
  },

  unwrap(body) {
    if (body.length < prefixBytes) return undefined;
    const view = new DataView(body.buffer, body.byteOffset, prefixBytes);
    const isPlain = view.getUint8(0) === 0 && view.getUint32(1) === body.length - prefixBytes;
    return isPlain ? body.subarray(prefixBytes) : undefined;
  },

  async succeed(exchange, message) {
    const packed = await compressed(message, exchange);
    send(exchange, packed ? wrap(packed, compressedFlag) : wrap(message, 0), { "grpc-status": grpcStatusOk });
  },

  async fail(exchange, error) {
    const trailer = setTrailerStatus(new Headers(), error);
    boundTrailer(trailer);
    send(exchange, undefined, Object.fromEntries(trailer));
  },
};

function wrap(message: Uint8Array, flags: number): Buffer {
  const bytes = Buffer.allocUnsafe(prefixBytes + message.length);
  bytes.writeUInt8(flags);
  bytes.writeUInt32BE(message.length, 1);
  bytes.set(message, prefixBytes);
  return bytes;
}

function send(exchange: Exchange, bytes: Uint8Array | undefined, trailer: OutgoingHttpHeaders): void {
  const response = exchange.reply.raw;
  // It says what a message may be compressed with, and each message whether it is.
  const encoding = exchange.compression && { "grpc-encoding": exchange.compression.name };
  response.writeHead(200, { ...answerHeaders(exchange), ...encoding, "content-type": contentTypeProto });
  response.addTrailers(trailer);
  response.end(bytes);
}
