/** Unary calls of the Connect protocol by POST, not compressed. */
import type { JsonWriteOptions } from "@bufbuild/protobuf";
import { mergeNonProtocolHeaders } from "@connectrpc/connect/protocol";
import {
  codeToHttpStatus,
  contentTypeUnaryJson,
  contentTypeUnaryProto,
  errorToJsonBytes,
  protocolVersion,
} from "@connectrpc/connect/protocol-connect";
import { connectTimeoutMs } from "../../rpc/timeout.ts";
import {
  answerHeaders,
  compressionFor,
  type DirectProtocol,
  type Exchange,
  type Format,
  hasPlainHost,
} from "./protocol.ts";

const formats: ReadonlyMap<string | undefined, Format> = new Map([
  [contentTypeUnaryJson, { isBinary: false }],
  [`${contentTypeUnaryJson}; charset=utf-8`, { isBinary: false }],
  [contentTypeUnaryProto, { isBinary: true }],
]);

/** `jsonOptions` are for what errors carry. */
export function createDirectConnect(jsonOptions: Partial<JsonWriteOptions>): DirectProtocol {
  return {
    name: "connect",

    formatOf(request) {
      const { headers, method } = request;
      const { "content-encoding": encoding = "identity", "connect-timeout-ms": timeout } = headers;
      const isPlain =
        method === "POST" &&
        encoding === "identity" &&
        (headers["connect-protocol-version"] ?? protocolVersion) === protocolVersion &&
        (timeout === undefined || connectTimeoutMs(String(timeout)) !== undefined) &&
        hasPlainHost(request);
      return isPlain ? formats.get(headers["content-type"]) : undefined;
    },

    unwrap: (body) => body,

    async succeed(exchange, message, { isBinary }) {
      const compression = compressionFor(message, exchange.request.headers["accept-encoding"]);
      if (compression) exchange.header.set("content-encoding", compression.name);
      const bytes = compression ? await compression.compress(message) : message;
      send(exchange, 200, bytes, isBinary ? contentTypeUnaryProto : contentTypeUnaryJson);
    },

    fail(exchange, error) {
      mergeNonProtocolHeaders(exchange.header, error.metadata);
      send(exchange, codeToHttpStatus(error.code), errorToJsonBytes(error, jsonOptions), contentTypeUnaryJson);
    },
  };
}

function send(exchange: Exchange, status: number, bytes: Uint8Array, contentType: string): void {
  const response = exchange.reply.raw;
  const described = { "content-type": contentType, "content-length": String(bytes.length) };
  response.writeHead(status, { ...answerHeaders(exchange), ...described });
  response.end(bytes);
}
