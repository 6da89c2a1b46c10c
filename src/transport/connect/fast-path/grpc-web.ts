/**
 * Unary calls of gRPC-Web: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md. The trailers are the last envelope of
 * the body. In the text form (`application/grpc-web-text`) the bodies of requests and responses are base64.
 */
import { type Envelope, joinEnvelopes, prefixBytes, tooLarge, trailerEnvelope } from "../envelopes.ts";
import { grpcStatusOk, trailerFlag } from "../internals.ts";
import { decodeText, maxTextLength } from "../text-mode.ts";
import type { MessageOptions } from "./codec.ts";
import { formsOf, grpcCommons, readMessage, setError, wrap } from "./grpc.ts";
import { type Exchange, type Form, type Protocol, responseHeaders } from "./protocol.ts";

/** gRPC-Web's content types with what they mean. */
export function createGrpcWeb(options: MessageOptions): [contentType: string, form: Form][] {
  const binary = createProtocol(options, (body) => body);
  const maxBodyBytes = maxTextLength(binary.maxBodyBytes);
  const text: Protocol = {
    ...createProtocol(options, (body) => body.toString("base64")),
    maxBodyBytes,
    messageBytes: (bodyBytes) => grpcCommons.messageBytes(Math.floor(bodyBytes / 4) * 3),

    async read(exchange, body) {
      if (body.length > maxBodyBytes) throw tooLarge(options.maxMessageBytes);
      return await binary.read(exchange, decodeText(body));
    },
  };
  return [...formsOf("application/grpc-web", binary), ...formsOf("application/grpc-web-text", text)];
}

function createProtocol(options: MessageOptions, encode: (body: Buffer) => Buffer | string): Protocol {
  const send = (exchange: Exchange, messages: readonly Envelope[]) => {
    const { reply, trailer } = exchange;
    // A handler may have set another status, as Connect lets it.
    if (!trailer.has("grpc-status")) trailer.set("grpc-status", grpcStatusOk);
    reply.raw.writeHead(200, responseHeaders(exchange));
    reply.raw.end(encode(joinEnvelopes(...messages, trailerEnvelope(trailer))));
  };
  return {
    ...grpcCommons,
    name: "grpc-web",
    maxBodyBytes: options.maxMessageBytes + prefixBytes,

    read: (exchange, body) => readMessage(exchange, body, options.maxMessageBytes, trailerFlag),

    async succeed(exchange, bytes) {
      send(exchange, [await wrap(exchange, bytes)]);
    },

    async fail(exchange, error) {
      setError(exchange, error);
      send(exchange, []);
    },
  };
}
