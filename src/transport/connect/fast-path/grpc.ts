/** Unary calls of gRPC: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md */
import { Code, ConnectError } from "@connectrpc/connect";
import { type Envelope, joinEnvelopes, prefixBytes, splitEnvelopes } from "../envelopes.ts";
import { boundTrailer } from "../error-limits.ts";
import { compressedFlag, envelopeDecompress, grpcStatusOk, parseGrpcTimeout, setTrailerStatus } from "../internals.ts";
import { checkTrailer } from "../responses.ts";
import type { AnyMessage, MessageOptions } from "./codec.ts";
import { compress, type Exchange, type Form, nodeHeaders, type Protocol, responseHeaders } from "./protocol.ts";

/** What gRPC-Web has from gRPC. */
export const grpcCommons = {
  encodingHeader: "grpc-encoding",
  acceptHeader: "grpc-accept-encoding",
  timeoutHeader: "grpc-timeout",
  parseTimeout: (value: string | null) => parseGrpcTimeout(value, Number.MAX_SAFE_INTEGER),
  messageBytes: (bodyBytes: number) => bodyBytes - prefixBytes,

  open({ header, encodings: { response } }: Exchange): void {
    // It says what a message may be compressed with, and each message whether it is.
    if (response !== null) header.set("grpc-encoding", response.name);
  },
};

/** The one message of a body. An envelope with `skippedFlag` holds none. */
export async function readMessage(
  exchange: Exchange,
  body: Uint8Array,
  maxMessageBytes: number,
  skippedFlag = 0,
): Promise<AnyMessage> {
  const { envelopes, isCutOff } = splitEnvelopes(body, maxMessageBytes);
  let message: AnyMessage | undefined;
  let skipped = 0;
  for (const envelope of envelopes) {
    if ((envelope.flags & skippedFlag) !== 0) {
      if (++skipped > 1) throw protocolError("received extra trailers for unary method", Code.InvalidArgument);
      continue;
    }
    const isPacked = (envelope.flags & compressedFlag) !== 0;
    const { data } = isPacked
      ? await envelopeDecompress(envelope, exchange.encodings.request, maxMessageBytes)
      : envelope;
    const parsed = exchange.method.codec.parse(exchange.form.isJson, data);
    if (message !== undefined) throw protocolError("received extra input message for unary method", Code.Unimplemented);
    message = parsed;
  }
  if (isCutOff) throw protocolError("incomplete envelope", Code.InvalidArgument);
  if (message === undefined) throw protocolError("missing input message for unary method", Code.Unimplemented);
  return message;
}

const protocolError = (detail: string, code: Code) => new ConnectError(`protocol error: ${detail}`, code);

/** Sets the trailers of an error. One of an unknown compression names those that there are in a header. */
export function setError({ header, trailer }: Exchange, error: ConnectError): void {
  const accepted = error.metadata.get(grpcCommons.acceptHeader);
  if (accepted !== null && !error.isWireError) header.set(grpcCommons.acceptHeader, accepted);
  boundTrailer(setTrailerStatus(trailer, error));
}

/** The message in its envelope, compressed if it is to be. */
export async function wrap(exchange: Exchange, bytes: Uint8Array): Promise<Envelope> {
  const packed = await compress(exchange, bytes);
  return packed ? { flags: compressedFlag, data: packed } : { flags: 0, data: bytes };
}

/** The content types of gRPC or gRPC-Web with what they mean. */
export function formsOf(contentType: string, protocol: Protocol): [contentType: string, form: Form][] {
  const proto = { protocol, isJson: false, contentType: `${contentType}+proto` };
  const json = { protocol, isJson: true, contentType: `${contentType}+json` };
  return [
    [contentType, proto],
    [proto.contentType, proto],
    [json.contentType, json],
  ];
}

/** gRPC's content types with what they mean. */
export function createGrpc({ maxMessageBytes }: MessageOptions): [contentType: string, form: Form][] {
  return formsOf("application/grpc", {
    ...grpcCommons,
    name: "grpc",
    maxBodyBytes: maxMessageBytes + prefixBytes,

    read: (exchange, body) => readMessage(exchange, body, maxMessageBytes),

    async succeed(exchange, bytes) {
      send(exchange, joinEnvelopes(await wrap(exchange, bytes)));
    },

    async fail(exchange, error) {
      setError(exchange, error);
      send(exchange);
    },
  });
}

const statusOk = { "grpc-status": grpcStatusOk };

function send(exchange: Exchange, body?: Uint8Array): void {
  const { raw } = exchange.reply;
  checkTrailer(exchange.trailer);
  raw.writeHead(200, responseHeaders(exchange));
  // A handler may have set another status, as Connect lets it.
  raw.addTrailers(nodeHeaders(exchange.trailer, statusOk));
  raw.end(body);
}
