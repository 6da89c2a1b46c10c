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
  compressed,
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
    acceptHeader: "accept-encoding",

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
      await send(exchange, 200, message, isBinary ? contentTypeUnaryProto : contentTypeUnaryJson);
    },

    async fail(exchange, error) {
      mergeNonProtocolHeaders(exchange.header, error.metadata);
      exchange.header.set("cache-control", "no-store");
      const bytes = errorToJsonBytes(error, jsonOptions);
      await send(exchange, codeToHttpStatus(error.code), bytes, contentTypeUnaryJson);
    },
  };
}

async function send(exchange: Exchange, status: number, bytes: Uint8Array, contentType: string): Promise<void> {
  const packed = await compressed(bytes, exchange);
  const sent = packed ?? bytes;
  const response = exchange.reply.raw;
  response.writeHead(status, {
    ...answerHeaders(exchange),
    ...(packed && { "content-encoding": exchange.compression?.name }),
    "content-type": contentType,
    "content-length": String(sent.length),
  });
  response.end(sent);
}
