/** gRPC as its clients speak it: binary messages, not compressed, over HTTP/2. */
import type { OutgoingHttpHeaders } from "node:http";
import { compressedFlag } from "@connectrpc/connect/protocol";
import { contentTypeProto, grpcStatusOk, setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import { grpcTimeoutMs } from "../../rpc/timeout.ts";
import { plainGrpcMessage } from "../grpc-message.ts";
import { answerHeaders, compressionFor, type DirectProtocol, type Exchange, hasPlainHost } from "./protocol.ts";

/** Before a message: whether it is compressed, and its length. */
const prefixBytes = 5;
const plainTypes: ReadonlySet<string | undefined> = new Set(["application/grpc", contentTypeProto]);
const binary = { isBinary: true };

export const directGrpc: DirectProtocol = {
  name: "grpc",

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
    const compression = compressionFor(message, exchange.request.headers["grpc-accept-encoding"]);
    if (compression) exchange.header.set("grpc-encoding", compression.name);
    const bytes = compression ? wrap(await compression.compress(message), compressedFlag) : wrap(message, 0);
    send(exchange, bytes, { "grpc-status": grpcStatusOk });
  },

  fail(exchange, error) {
    const trailer = setTrailerStatus(new Headers(), error);
    const message = trailer.get("grpc-message");
    if (message) trailer.set("grpc-message", plainGrpcMessage(message));
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
  response.writeHead(200, { ...answerHeaders(exchange), "content-type": contentTypeProto });
  response.addTrailers(trailer);
  response.end(bytes);
}
